/** The table of errors, walked: each code is provoked through the command line somewhere, and the last ones are here. @module */
import assert from "node:assert/strict";
import { RelayClient } from "../../client/relay_client.ts";
import { parseAccountId } from "../../crypto/account.ts";
import { CONTENT_SEALED, signEnvelope } from "../../crypto/envelope.ts";
import { openSealingKey } from "../../crypto/sealing_key.ts";
import { type ErrorCode, errorTable } from "../../proto/errors.ts";
import { SealedPayloadSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { create, toBinary } from "@bufbuild/protobuf";
import { person } from "../helpers/people.ts";
import { cliArguments, errorOf, row, type RunningRelay, World } from "./harness.ts";

/** Codes that no command ends with, and how a user meets them instead. */
const shownOtherwise: Partial<Record<ErrorCode, string>> = {
  cannot_open: "fetch goes on: the message is an `unreadable` event with this reason, see the row below",
};

const here = new URL("./", import.meta.url);

/** Lines of all command tests that assert a code, by the code: `assertFails(…, "x")`, `….code, "x"`, a table's row. */
function assertedCodes(): Set<string> {
  const assertion = /(?:assertFails\(|\.code\b|\bcode: |\], \d+, |stderr\(\), \/).*"([a-z_]+)"/;
  const codes = new Set<string>();
  for (const { name } of Deno.readDirSync(here)) {
    // parts_test.ts tests single functions, not the command line.
    if (!name.endsWith("_test.ts") || name === "parts_test.ts") continue;
    for (const line of Deno.readTextFileSync(new URL(name, here)).split("\n")) {
      const code = assertion.exec(line)?.[1];
      if (code !== undefined) codes.add(code);
    }
  }
  return codes;
}

Deno.test("expectation 7: every error code has a test that provokes it through the command line", () => {
  const asserted = assertedCodes();
  const missing = (Object.keys(errorTable) as ErrorCode[]).filter((code) =>
    !asserted.has(code) && shownOtherwise[code] === undefined
  );
  assert.deepEqual(missing, [], "add a row to tests/commands/ for each of these");
});

const world = new World();
let relay: RunningRelay;
let bob: Awaited<ReturnType<World["member"]>>;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  bob = await world.member("bob", relay);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

for (
  const { signal, code } of [
    { signal: "SIGINT", code: "interrupted" },
    { signal: "SIGTERM", code: "terminated" },
  ] as const
) {
  row(`${code}: ${signal} while a command waits; --json says so on stderr`, async () => {
    const following = bob.start(["fetch", "--follow", "--json"]);
    await bob.ok(["send", bob.id, code]);
    assert.equal(JSON.parse((await following.line())!).text, code);
    following.signal(signal);
    assert.equal(await following.ended, errorTable[code].exit);
    assert.equal(JSON.parse(following.stderr()).error.code, code);
  });
}

for (
  const { version, code } of [
    { version: "2.9.4", code: "too_old_runtime" },
    { version: "1.46.3", code: "too_old_runtime" },
  ] as const
) {
  row(
    `${code}: Deno ${version} is refused by the relay and by every other command, and version still answers`,
    async () => {
      const older = `Object.defineProperty(Deno, "version", { value: { ...Deno.version, deno: "${version}" } });`;
      const preload = bob.file("older.js", older);
      const [run, ...rest] = cliArguments();
      const start = (...args: string[]) =>
        new Deno.Command(Deno.execPath(), {
          args: [run, "--preload", preload, ...rest, ...args],
          env: bob.env,
          clearEnv: true,
          cwd: bob.home,
        }).output();
      for (const args of [["whoami"], ["send", bob.id, "x"], ["relay"]]) {
        const { code: exit, stdout, stderr } = await start(...args, "--json");
        assert.equal(exit, errorTable[code].exit);
        assert.equal(stdout.length, 0);
        const { error } = JSON.parse(new TextDecoder().decode(stderr));
        assert.equal(error.code, code);
        assert.match(error.message, new RegExp(`^Deno ${version} is older than 2\\.9\\.5`));
        assert.equal(error.hint, errorTable[code].hint);
      }
      assert.equal((await start("version")).code, 0);
    },
  );
}

row("cannot_open: a message whose seal is noise is told and kept aside, fetch goes on and exits 0", async () => {
  const eve = await person(3, Date.now());
  await using client = await RelayClient.connect(relay.address, { signer: eve.device });
  await client.publishBundle(eve.bundle.bytes, 0);
  const { sealingKeys: [offered] } = await client.getSealingKeys(parseAccountId(bob.id));
  const { device, keyId } = await openSealingKey(offered);
  const noise = { suite: 1, keyId, enc: new Uint8Array(1120), ct: new Uint8Array(256 + 16) };
  const id = crypto.getRandomValues(new Uint8Array(16));
  await client.send(
    await signEnvelope(eve.device, {
      id,
      sender: eve.device.publicKey,
      recipient: device,
      createdAtMs: Date.now(),
      ttlS: 0,
      contentType: CONTENT_SEALED,
      payload: toBinary(SealedPayloadSchema, create(SealedPayloadSchema, noise)),
    }),
  );
  await bob.ok(["send", bob.id, "after it"]);
  const [event, message] = (await bob.ok(["fetch", "--json", "--events"])).split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([event.type, event.id, event.reason], ["unreadable", id.toHex(), "cannot_open"]);
  assert.equal(message.text, "after it");
  assert.equal(await bob.ok(["fetch"]), "");
});

row("the errors of --json have the same fields, whoever provokes them", async () => {
  const error = errorOf(await bob.run(["send", "qid1", "x", "--json"]));
  assert.deepEqual(Object.keys(error), ["code", "message", "hint", "exit"]);
});
