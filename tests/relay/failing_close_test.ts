/** A disk that fails at the last moment: while the store closes. @module */
import assert from "node:assert/strict";
import { QightError } from "../../proto/errors.ts";
import { defaultRelayConfig } from "../../relay/config.ts";
import { startRelay } from "../../relay/relay.ts";
import { openMemoryStore } from "../../relay/storage/memory.ts";
import { silentLog } from "../helpers/test_relay.ts";

Deno.test("regression: a relay whose store cannot be closed ends with the disk's error instead of staying for ever", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "qight-relay-" });
  try {
    const config = { ...defaultRelayConfig(dataDir), listen: ["127.0.0.1:0"], http: { listen: "" } };
    const relay = await startRelay({
      config,
      log: silentLog(),
      version: "test",
      openStore: () => {
        const store = openMemoryStore({ limits: { maxQueue: 10, maxQueueBytes: 1e6, maxTotal: 1e6 } });
        const close = () => Promise.reject(new QightError("store_damaged", "The last sync failed"));
        return Promise.resolve(Object.assign(store, { [Symbol.asyncDispose]: close }));
      },
    });
    await relay.drain();
    await assert.rejects(relay.closed, { code: "store_damaged", message: "The last sync failed" });
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
