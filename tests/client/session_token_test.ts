/** Sessions in the client's store: one a relay, and none is lost with another's. @module */
import assert from "node:assert/strict";
import { forgetSession, keepSession, sessionToken } from "../../client/accounts/session_token.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";

const open = () => openSqliteStore({ path: ":memory:", key: new Uint8Array(32) });

Deno.test("each relay has a session of its own; forgetting one of a name that begins another's leaves the other", async () => {
  await using store = await open();
  await store.write((tables) => {
    keepSession(tables, "host:443", "one");
    keepSession(tables, "host:4433", "two");
    keepSession(tables, "none", "");
  });
  assert.deepEqual([await sessionToken(store, "host:443"), await sessionToken(store, "none")], ["one", null]);
  await store.write((tables) => forgetSession(tables, "host:443"));
  assert.deepEqual([await sessionToken(store, "host:443"), await sessionToken(store, "host:4433")], [null, "two"]);
});

Deno.test("a session that another process has renewed meanwhile is not forgotten with the old one", async () => {
  await using store = await open();
  await store.write((tables) => keepSession(tables, "r", "new"));
  await store.write((tables) => forgetSession(tables, "r", "old"));
  assert.equal(await sessionToken(store, "r"), "new");
  await store.write((tables) => forgetSession(tables, "r", "new"));
  assert.equal(await sessionToken(store, "r"), null);
});
