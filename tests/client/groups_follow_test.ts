/** Groups at a reader that stays: what is to do between two sessions. @module */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { groupRelay } from "./group_people.ts";
import { Talker } from "./talker.ts";

// Found by `deno task prove --only poisoned-commit`: the leaf stayed until the owner's next session.
Deno.test("regression: an owner whose reader stays removes who left while it stays", async () => {
  await using relay = await groupRelay();
  await using ana = await Talker.join(relay, 1);
  await using bo = await Talker.join(relay, 2);
  const { groups } = ana.person;
  const { group } = await groups.create("ops", [bo.account]);
  await bo.hear();
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
  const inbox = ana.inbox({ groups: watched });
  const stop = new AbortController();
  const reading = (async () => {
    let caughtUp = false;
    for await (const event of inbox.read({ follow: true, signal: stop.signal })) {
      if (event.type !== "caught_up" || caughtUp) continue;
      caughtUp = true;
      const left = create(ContentSchema, { action: { case: "left", value: {} } });
      bo.person.groups.leave(group, async () => void await bo.say(group, left)).catch(tended.reject);
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
  assert.deepEqual((await groups.show(group)).members.map(({ account }) => account), [ana.account]);
});
