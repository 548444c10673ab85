/**
 * Looks at the write-ahead log before SQLite does: SQLite goes on without a word when the log is missing or damaged,
 * and what was acknowledged is gone.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import { readLogFrames } from "./log_frames.ts";

/**
 * `PRAGMA user_version` of a database whose log belongs to it: set while a relay has it open, taken back when it is
 * closed cleanly. It is in the database file itself, so that a copy of the file alone is noticed too.
 */
export const LOG_BELONGS = 1;

const userVersionAt = 60;

/**
 * Whether there is a log, be it empty. Throws `store_damaged` when it is missing, or damaged in a way that no crash
 * explains.
 */
export function assertLogThere(path: string): boolean {
  const log = `${path}-wal`;
  const bytes = readWhole(log);
  if (bytes === null) {
    if (userVersionOf(path) !== LOG_BELONGS) return false;
    throw new QightError("store_damaged", `The write-ahead log ${log} is missing: it holds what was accepted last`, {
      hint:
        "Put the log back beside the database, or restore a backup; see docs/operations.md, When the database is damaged.",
    });
  }
  const { damage } = readLogFrames(bytes);
  if (damage !== null) throw new QightError("store_damaged", `The database is damaged: ${damage} (${log})`);
  return true;
}

/** The number in the head of a database file; 0 for a file without one. */
function userVersionOf(path: string): number {
  using file = Deno.openSync(path, { read: true });
  const head = new Uint8Array(100);
  let read = 0;
  for (let more = file.readSync(head); more !== null && read < 100; more = file.readSync(head.subarray(read))) {
    read += more;
  }
  return read < 100 ? 0 : new DataView(head.buffer).getUint32(userVersionAt);
}

function readWhole(path: string): Uint8Array | null {
  try {
    return Deno.readFileSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}
