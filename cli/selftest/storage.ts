/** Selftest: the encrypted store of a client, and the thread of a relay's database. @module */
import { join } from "node:path";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import { QightError } from "../../proto/errors.ts";
import { SqliteThread } from "../../relay/storage/sqlite_thread.ts";
import { type Check, ok } from "../doctor/check.ts";

const MARK = "selftest";
const VALUE = new TextEncoder().encode("a value that must not be readable in the file");

/** Writes, closes, reads again with the key; the file itself must not hold the text, nor open with another key. */
export async function checkEncryptedStore(folder: string): Promise<Check> {
  const path = join(folder, "store.db");
  const key = crypto.getRandomValues(new Uint8Array(32));
  {
    await using store = await openSqliteStore({ path, key });
    await store.write((tables) => tables.meta.put(MARK, VALUE));
  }
  {
    await using store = await openSqliteStore({ path, key });
    const read = await store.read((tables) => tables.meta.get(MARK));
    if (read === null || !sameBytes(read, VALUE)) throw broken("What was written is not what is read");
  }
  if (new TextDecoder("latin1").decode(await Deno.readFile(path)).includes("must not be readable")) {
    throw broken("The store is not encrypted");
  }
  const other = crypto.getRandomValues(new Uint8Array(32));
  if (await opens(path, other)) throw broken("The store opens with another key");
  return ok("sqlite", "An encrypted store was written, closed and read again");
}

/** Starts the thread that holds a relay's database. */
export async function checkWorker(folder: string): Promise<Check> {
  const path = join(folder, "thread.db");
  const thread = await SqliteThread.open({ role: "write", path, minFreeBytes: 0, nowMs: Date.now() });
  try {
    const level = await thread.call<number>("synchronous", []);
    if (level !== 2) throw broken(`The thread does not sync each commit (${level})`);
  } finally {
    await thread.close();
  }
  return ok("worker", "A thread holds a database and syncs each commit");
}

async function opens(path: string, key: Uint8Array): Promise<boolean> {
  try {
    await using store = await openSqliteStore({ path, key });
    return await store.read((tables) => tables.meta.get(MARK)) !== null;
  } catch (thrown) {
    if (thrown instanceof QightError && thrown.code === "store_damaged") return false;
    throw thrown;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function broken(message: string): QightError {
  return new QightError("invariant", message);
}
