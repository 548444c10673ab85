/**
 * A database with everything in it that a relay stores, made by the relay's own code, and a view of all of it.
 * @module
 */
import { crc32 } from "node:zlib";
import { generateSeed } from "../../../crypto/ed25519.ts";
import { makeSealingKey } from "../../../crypto/sealing_key.ts";
import { openForReading } from "../../../relay/storage/sqlite_connection.ts";
import { Reader } from "../../../relay/storage/sqlite_reader.ts";
import { openSqliteStore, type SqliteStore } from "../../../relay/storage/sqlite.ts";
import { unpackPage } from "../../../relay/storage/sqlite_wire.ts";
import { envelope, type Person, person } from "../../helpers/people.ts";
import type { Range, StoredBundle, StoredSealingKey } from "../../../relay/storage/store.ts";
import { asNewMessage } from "./load.ts";
import { type AccountRows, accountRows, storeAccounts } from "./stored_accounts.ts";

const limits = { maxQueue: 1_000_000, maxQueueBytes: 2 ** 32, maxTotal: 2 ** 33 };
const day = 86_400_000;

/** Who is in the database and what was written into it. */
export interface StoredMail {
  readonly people: readonly Person[];
  readonly nowMs: number;
  /** `length checksum` of every message that ever came in. */
  readonly everything: string[];
}

/** Everything that a relay would tell. */
export interface View {
  readonly mailboxes: readonly {
    /** `number length checksum` of each message. */
    readonly texts: readonly string[];
    readonly expired: readonly Range[];
    readonly lastSeq: number;
    readonly room: unknown;
  }[];
  /** Received and expiry of each message. */
  readonly dates: readonly string[];
  readonly accounts: readonly (StoredBundle | null)[];
  readonly sealingKeys: readonly StoredSealingKey[];
  readonly tokens: unknown;
  readonly allowed: unknown;
  readonly dedup: unknown;
  /** What is kept of accounts besides their lists. */
  readonly ofAccounts: AccountRows;
}

/** Fills a new database: messages of all sizes, read ones, expired ones, devices, sealing keys, tokens, an allow list, accounts. */
export async function storeMail(path: string, chance: () => number, messages: number): Promise<StoredMail> {
  const nowMs = Date.now();
  const people = await Promise.all([1, 2, 3, 4].map((number) => person(number, nowMs)));
  const everything: string[] = [];
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
    if (n === Math.floor(messages / 3)) await storeAccounts(store, nowMs);
    const [from, to] = [people[n % 4], people[(n * 7 + 1) % 3]];
    const payload = crypto.getRandomValues(new Uint8Array(n % 10 === 0 ? 20_000 : 200 + Math.floor(chance() * 3000)));
    const message = await asNewMessage(await envelope(from, to, nowMs, { payload }), nowMs);
    everything.push(`${message.envelope.length} ${crc32(message.envelope)}`);
    await store.enqueue(n % 9 === 0 ? { ...message, expiresAtMs: nowMs - 1 } : message);
  }
  await store.collect(nowMs);
  await store.acknowledge(people[0].device.publicKey, [{ first: 1, last: 12 }]);
  return { people, nowMs, everything };
}

/** Commits that are checkpointed, twelve commits more, and then database and log as a kill would leave them; a view after each commit. */
export async function growMail(
  path: string,
  mail: StoredMail,
): Promise<{ views: View[]; database: Uint8Array; log: Uint8Array }> {
  const { people: [from, to], nowMs } = mail;
  const more = async (store: SqliteStore, n: number) => {
    const payload = crypto.getRandomValues(new Uint8Array(500 + n * 700));
    await store.enqueue(await asNewMessage(await envelope(from, to, nowMs, { payload }), nowMs));
  };
  {
    await using store = await openSqliteStore({ path, limits, now: () => nowMs, minFreeBytes: 64 * 1024 });
    for (let n = 0; n < 12; n++) await more(store, n);
  }
  await using store = await openSqliteStore({ path, limits, now: () => nowMs, minFreeBytes: 4 * 1024 * 1024 });
  const views = [viewOf(path, mail)];
  for (let n = 0; n < 12; n++) {
    await more(store, n);
    views.push(viewOf(path, mail));
  }
  return { views, database: Deno.readFileSync(path), log: Deno.readFileSync(`${path}-wal`) };
}

/** Everything that the relay would ever tell about what it stores; throws what reading throws. */
export function viewOf(path: string, { people, nowMs }: StoredMail): View {
  const db = openForReading(path);
  try {
    const reader = new Reader(db);
    const pages = people.map(({ device }) => unpackPage(reader.fetch(device.publicKey, 0, 1_000_000, 2 ** 31, nowMs)));
    return {
      mailboxes: pages.map(({ messages, expired, lastSeq }, i) => ({
        texts: messages.map(({ seq, envelope }) => `${seq} ${envelope.length} ${crc32(envelope)}`),
        expired,
        lastSeq,
        room: reader.room(people[i].device.publicKey),
      })),
      dates: pages.flatMap(({ messages }) => messages.map((each) => `${each.receivedAtMs} ${each.expiresAtMs}`)),
      accounts: people.flatMap(({ bundle, device }) => [
        reader.bundleOfAccount(bundle.account),
        reader.bundleOfDevice(device.publicKey),
      ]),
      sealingKeys: reader.sealingKeys(people.map(({ device }) => device.publicKey)),
      tokens: reader.tokens(),
      allowed: reader.allowedAccounts(),
      dedup: db.prepare("SELECT * FROM dedup ORDER BY 1, 2, 3").all(),
      ofAccounts: accountRows(db),
    };
  } finally {
    db.close();
  }
}
