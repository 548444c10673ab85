/**
 * Fills a relay's store below the wire, as fast as it takes it. `fill.ts DATA_DIR MESSAGES MAILBOXES` (its own process).
 * @module
 */
import { newMessageId } from "../../client/message_id.ts";
import { openSqliteStore } from "../../relay/storage/sqlite.ts";

const [dataDir, messages, mailboxes] = Deno.args;
const DAY_MS = 86_400_000;
const BYTES = 1579; // an envelope of the 256-byte class
const DEVICES = 8; // of one account

Deno.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
const limits = { maxQueue: 1e9, maxQueueBytes: 1e12, maxTotal: 1e12 };
await using store = await openSqliteStore({ path: `${dataDir}/relay.db`, limits, now: Date.now });
const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
const devices = Array.from({ length: Number(mailboxes) }, () => random(32));
for (let at = 0; at < devices.length; at += DEVICES) {
  const some = devices.slice(at, at + DEVICES);
  await store.putBundle({ account: random(32), version: 1, bundle: random(64), devices: some }, 0);
}
const sender = random(32);
const now = Date.now();
for (let at = 0; at < Number(messages); at += 2000) {
  await Promise.all(Array.from({ length: Math.min(2000, Number(messages) - at) }, (_, index) =>
    store.enqueue({
      recipient: devices[(at + index) % devices.length],
      sender,
      id: newMessageId(Date.now()),
      bodyHash: random(32),
      envelope: random(BYTES),
      createdAtMs: now,
      receivedAtMs: now,
      expiresAtMs: now + 7 * DAY_MS,
      tombstoneUntilMs: now + 31 * DAY_MS,
    })));
}
console.log(JSON.stringify({ messages: Number(messages), mailboxes: devices.length }));
