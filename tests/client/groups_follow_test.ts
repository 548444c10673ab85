/** Groups at a reader that stays: what is to do between two sessions. @module */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { gather } from "./gathering.ts";
import { Talker } from "./talker.ts";

/** Calls `act` when the reader who stays has caught up, and ends when what there was to do then has been done. */
async function staying(reader: Talker, act: () => Promise<unknown>): Promise<void> {
  const { groups } = reader.person;
  const tended = Promise.withResolvers<void>();
  let times = 0;
  const watched = new Proxy(groups, {
    get(target, name) {
      if (name !== "tend") {
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async () => {
        const errors = await target.tend();
        if (++times === 2) tended.resolve();
        return errors;
      };
    },
  });
  const inbox = reader.inbox({ groups: watched });
  const stop = new AbortController();
  const reading = (async () => {
    let caughtUp = false;
    for await (const event of inbox.read({ follow: true, signal: stop.signal })) {
      if (event.type !== "caught_up" || caughtUp) continue;
      caughtUp = true;
      act().catch(tended.reject);
    }
  })();
  const late = setTimeout(() => tended.reject(new Error("nothing was tended a second time")), 20_000);
  try {
    await tended.promise;
  } finally {
    clearTimeout(late);
    stop.abort();
    await reading;
  }
}

// Found by `deno task prove --only poisoned-commit`: the leaf stayed until the owner's next session.
Deno.test("regression: an owner whose reader stays removes who left while it stays", async () => {
  await using here = await gather(Talker, { ana: 1, bo: 2 });
  const { ana, bo } = here;
  const { groups } = ana.person;
  const { group } = await groups.create("ops", [bo.account]);
  await bo.hear();
  const left = create(ContentSchema, { action: { case: "left", value: {} } });
  await staying(ana, () => bo.person.groups.leave(group, async () => void await bo.say(group, left)));
  assert.deepEqual((await groups.show(group)).members.map(({ account }) => account), [ana.account]);
});

Deno.test("a reader who stays removes a revoked device when the relay tells of it", async () => {
  await using here = await gather(Talker, { ana: 1, bo: 2, lost: { seed: 2, device: 3 } });
  const { ana, bo, lost } = here;
  const { groups } = ana.person;
  const { group } = await groups.create("ops", [bo.account]);
  for (const one of [bo, lost]) await one.hear();
  await staying(ana, () => bo.person.revoke(lost.person));
  const devices = (await groups.show(group)).members.flatMap((member) => member.devices);
  assert.deepEqual(devices, [ana.person.device, bo.person.device]);
});
