/** KeyPackages of a device whose command ends while it makes them, over a real relay. @module */
import assert from "node:assert/strict";
import { GroupCalls } from "../../client/group_calls.ts";
import { DEFAULT_SUITE } from "../../crypto/mls/suite.ts";
import { QightError } from "../../proto/errors.ts";
import { GroupPerson, groupRelay } from "./group_people.ts";

Deno.test("regression: a command that ends before its KeyPackages are out leaves nothing that keeps later ones from being taken", async () => {
  await using relay = await groupRelay();
  await using ana = await GroupPerson.join(relay, 1, { packages: null });
  const { rpc } = ana.relay;
  const unary = rpc.unary.bind(rpc);
  rpc.unary = (method, request, options) => {
    if (method.name !== "PublishKeyPackages") return unary(method, request, options);
    return Promise.reject(new QightError("unreachable"));
  };
  for (let tries = 0; tries < 2; tries++) await assert.rejects(ana.publishPackages(3), { code: "unreachable" });
  rpc.unary = unary;
  await ana.publishPackages(3);
  const atRelay = await new GroupCalls(rpc).countKeyPackages(DEFAULT_SUITE);
  assert.ok(atRelay.lastResort);
  assert.ok(atRelay.singleUse >= 3, "what was made before goes out too");
  const { all } = await ana.store.read(({ keyPackages }) => ({ all: keyPackages.all() }));
  assert.deepEqual(
    all.filter((row) => row.lastResort || !row.published).length,
    1,
    "one of last resort, none left over",
  );
});
