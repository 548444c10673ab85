/**
 * The store in memory keeps the contract and says that it forgets.
 * @module
 */
import assert from "node:assert/strict";
import { openMemoryStore } from "../../../relay/storage/memory.ts";
import { storeContract } from "../../contracts/store_contract.ts";
import { roomy } from "../../contracts/store_scene.ts";

storeContract("memory store", (limits) => Promise.resolve(openMemoryStore({ limits })));

Deno.test("memory store: it says that nothing survives, and has nothing to back up", async () => {
  await using store = openMemoryStore({ limits: roomy });
  assert.equal(store.durable, false);
  await assert.rejects(store.backup("/nowhere"), { code: "config" });
});
