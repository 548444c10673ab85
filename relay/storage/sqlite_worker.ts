/**
 * The thread that holds SQLite, so that a sync never stops the network. One worker writes, another reads.
 * @module
 */
import { AccountReader } from "./sqlite_account_reader.ts";
import { BlobReader } from "./sqlite_blob_reader.ts";
import { GroupReader } from "./sqlite_group_reader.ts";
import { Reader } from "./sqlite_reader.ts";
import { openForReading } from "./sqlite_connection.ts";
import { toWire, type WireError } from "./sqlite_failure.ts";
import { checkDatabase, copyDatabase } from "./sqlite_upkeep.ts";
import type { Batch, PackedPage } from "./sqlite_wire.ts";
import { Writer } from "./sqlite_writer.ts";

/** What a worker is for, told in its first message. */
export type Role =
  | { readonly role: "write"; readonly path: string; readonly minFreeBytes: number; readonly nowMs: number }
  | { readonly role: "read"; readonly path: string };

/** A call to a worker. */
export interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** Its answer. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: WireError }
  /** What the thread does by itself, behind an answer, failed. */
  | { readonly id: null; readonly error: WireError };

interface WorkerScope {
  postMessage(message: Answer, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
  close(): void;
}

/** Runs one method; `after` is done when the answer is on its way. */
interface Result {
  readonly value: unknown;
  readonly transfer?: Transferable[];
  readonly after?: () => void;
}

const scope = globalThis as unknown as WorkerScope;
let serve: ((method: string, args: readonly unknown[]) => Result) | null = null;
/** Closes the database and leaves file and log as the last commit did; null while none is open for writing. */
let letGo: (() => void) | null = null;

scope.onmessage = (event: MessageEvent) => {
  const { id, method, args } = event.data as Call;
  try {
    if (serve === null) {
      serve = open(args[0] as Role);
      return scope.postMessage({ id, value: null }, []);
    }
    const { value, transfer, after } = serve(method, args);
    scope.postMessage({ id, value }, transfer ?? []);
    if (after) behind(after);
  } catch (thrown) {
    scope.postMessage({ id, error: toWire(thrown) }, []);
  }
};

// Ended by Deno, the thread would close its file on the way out, and SQLite would remove the log that the next start
// looks for (log_check.ts).
globalThis.addEventListener("error", (event) => {
  event.preventDefault();
  if (letGo !== null) behind(letGo);
  scope.postMessage({ id: null, error: toWire(event.error) }, []);
});

function behind(work: () => void): void {
  try {
    work();
  } catch (thrown) {
    scope.postMessage({ id: null, error: toWire(thrown) }, []);
  }
}

function open(role: Role): (method: string, args: readonly unknown[]) => Result {
  return role.role === "write" ? writing(role.path, role.minFreeBytes, role.nowMs) : reading(role.path);
}

function writing(path: string, minFreeBytes: number, nowMs: number) {
  const writer = new Writer(path, minFreeBytes, nowMs);
  letGo = () => writer.drop();
  return (method: string, args: readonly unknown[]): Result => {
    switch (method) {
      case "apply": {
        const batch = args[0] as Batch;
        const value = writer.apply(batch);
        const transfer = value.results.flatMap((result) => "outcomes" in result ? [result.outcomes] : []);
        // Behind the answer: the log is moved while these callers already go on.
        return { value, transfer, after: () => writer.checkpoint(batch.nowMs) };
      }
      case "totals":
        return { value: { ...writer.totals } };
      case "synchronous":
        return { value: writer.synchronous };
      case "close":
        return { value: writer.close(), after: () => scope.close() };
      case "drop":
        return { value: writer.drop() };
      default:
        throw new Error(`The writer knows no method ${method}`);
    }
  };
}

function reading(path: string) {
  const db = openForReading(path);
  const reader = new Reader(db);
  const groups = new GroupReader(db);
  const blobs = new BlobReader(db);
  const accounts = new AccountReader(db);
  return (method: string, args: readonly unknown[]): Result => {
    switch (method) {
      case "fetch": {
        const page: PackedPage = reader.fetch(...args as Parameters<Reader["fetch"]>);
        return { value: page, transfer: [page.heads.buffer, page.envelopes.buffer] as Transferable[] };
      }
      case "room":
        return { value: reader.room(...args as [Uint8Array]) };
      case "tombstone":
        return { value: reader.tombstone(...args as [Uint8Array, Uint8Array, Uint8Array]) };
      case "bundleOfAccount":
        return { value: reader.bundleOfAccount(...args as [Uint8Array]) };
      case "bundleOfDevice":
        return { value: reader.bundleOfDevice(...args as [Uint8Array]) };
      case "sealingKeys":
        return { value: reader.sealingKeys(...args as [Uint8Array[]]) };
      case "tokens":
        return { value: reader.tokens() };
      case "allowedAccounts":
        return { value: reader.allowedAccounts() };
      case "commits":
        return { value: groups.commits(...args as Parameters<GroupReader["commits"]>) };
      case "group":
        return { value: groups.group(...args as Parameters<GroupReader["group"]>) };
      case "others":
        return { value: groups.others(...args as [Uint8Array, Uint8Array]) };
      case "welcome":
        return { value: groups.welcome(...args as [Uint8Array, Uint8Array]) };
      case "listGroups":
        return { value: groups.list(...args as [Uint8Array]) };
      case "countKeyPackages":
        return { value: groups.countKeyPackages(...args as [Uint8Array, number, number]) };
      case "readBlob": {
        const piece = blobs.read(...args as [Uint8Array, number]);
        return { value: piece, transfer: piece ? [piece.data.buffer as ArrayBuffer] : [] };
      }
      case "account":
        return { value: accounts.read(...args as [string, readonly unknown[]]) };
      case "check":
        return { value: checkDatabase(db) };
      case "copy":
        return { value: copyDatabase(db, args[0] as string) };
      case "close":
        return { value: void db.close(), after: () => scope.close() };
      default:
        throw new Error(`The reader knows no method ${method}`);
    }
  };
}
