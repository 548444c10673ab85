/**
 * A database with everything in it that a relay stores, made by the relay's own code, and a view of all of it.
 * @module
 */
import { crc32 } from "node:zlib";
import { generateSeed } from "../../../crypto/ed25519.ts";
import { makeSealingKey } from "../../../crypto/sealing_key.ts";
import { openForReading } from "../../../relay/storage/sqlite_connection.ts";
import { Reader } from "../../../relay/storage/sqlite_reader.ts";
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import { unpackPage } from "../../../relay/storage/sqlite_wire.ts";
import { envelope, person, type Person } from "../../helpers/people.ts";
import { asNewMessage } from "./load.ts";

const limits = { maxQueue: 1_000_000, maxQueueBytes: 2 ** 32, maxTotal: 2 ** 33 };
const day = 86_400_000;

/** Who is in the database and what was written into it. */
export interface StoredMail {
  readonly people: readonly Person[];
  readonly nowMs: number;
}

/** Fills a new database: messages of all sizes, read ones, expired ones, devices, sealing keys, tokens, an allow list. */
export async function storeMail(path: string, chance: () => number, messages: number): Promise<StoredMail> {
  const nowMs = Date.now();
  const people = await Promise.all([1, 2, 3, 4].map((number) => person(number, nowMs)));
  await using store = await openSqliteStore({ path, limits, now: () => nowMs, minFreeBytes: 64 * 1024 });
  for (const { bundle, device } of people) {
    const devices = bundle.devices.map(({ key }) => key);
    await store.putBundle({ account: bundle.account, version: bundle.version, bundle: bundle.bytes, devices }, 0);
    const dates = { createdAtMs: nowMs, expiresAtMs: nowMs + 30 * day };
    const { bytes } = await makeSealingKey(device, bundle.account, generateSeed(), dates);
    await store.putSealingKey({ device: device.publicKey, ...dates, sealingKey: bytes });
    await store.allowAccount(bundle.account, "a friend");
  }
  await store.putToken({ id: "0badcafe", name: "web", hash: generateSeed(), createdAtMs: nowMs, expiresAtMs: null });
  for (let n = 0; n < messages; n++) {
    const [from, to] = [people[n % 4], people[(n * 7 + 1) % 3]];
    const payload = crypto.getRandomValues(new Uint8Array(n % 10 === 0 ? 20_000 : 200 + Math.floor(chance() * 3000)));
    const message = await asNewMessage(await envelope(from, to, nowMs, { payload }), nowMs);
    await store.enqueue(n % 9 === 0 ? { ...message, expiresAtMs: nowMs - 1 } : message);
  }
  await store.collect(nowMs);
  await store.acknowledge(people[0].device.publicKey, [{ first: 1, last: 12 }]);
  return { people, nowMs };
}

/** Everything that the relay would ever tell about what it stores; throws what reading throws. */
export function viewOf(path: string, { people, nowMs }: StoredMail): Record<string, unknown> {
  const db = openForReading(path);
  try {
    const reader = new Reader(db);
    return {
      mailboxes: people.map(({ device }) => {
        const page = unpackPage(reader.fetch(device.publicKey, 0, 1_000_000, 2 ** 31, nowMs));
        const messages = page.messages.map(({ seq, envelope, receivedAtMs, expiresAtMs }) =>
          [seq, receivedAtMs, expiresAtMs, envelope.length, crc32(envelope)].join(" ")
        );
        return { messages, expired: page.expired, lastSeq: page.lastSeq, room: reader.room(device.publicKey) };
      }),
      accounts: people.map(({ bundle, device }) => [
        reader.bundleOfAccount(bundle.account),
        reader.bundleOfDevice(device.publicKey),
      ]),
      sealingKeys: reader.sealingKeys(people.map(({ device }) => device.publicKey)),
      tokens: reader.tokens(),
      allowed: reader.allowedAccounts(),
      dedup: db.prepare("SELECT mailbox, id, sender, body_hash, seq, until FROM dedup ORDER BY 1, 2, 3").all(),
    };
  } finally {
    db.close();
  }
}
