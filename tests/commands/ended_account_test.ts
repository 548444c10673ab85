/** Writing to an account that was deleted, at a relay without names. @module */
import assert from "node:assert/strict";
import { cast, row } from "./harness.ts";
import { assertFails } from "./named_people.ts";

const { ada, bob, cara } = await cast("ada", "bob", "cara");

row(
  "regression: whoever writes to an account that was deleted is told so, in a conversation, sealed, and at first",
  async () => {
    await ada.ok(["send", bob.id, "before"]);
    assert.equal(JSON.parse(await bob.ok(["fetch", "--json"])).text, "before");
    await bob.ok(["account", "delete", "-y"]);
    for (const [person, ...flags] of [[ada], [ada, "--sealed"], [cara], [cara, "--sealed"]] as const) {
      const { message } = assertFails(
        await person.run(["send", bob.id, "hello?", ...flags, "--json"]),
        77,
        "account_ended",
      );
      assert.match(message, /deleted the account/);
    }
    assertFails(await cara.run(["group", "create", "late", bob.id, "--json"]), 77, "account_ended");
  },
);
