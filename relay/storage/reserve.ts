/**
 * The ballast file beside the database: given up when the disk is full so that acks go on, taken back when there is room.
 * A full disk cannot be cured by deleting rows, even DELETE needs log space (docs/decisions/0005-sqlite.md 2).
 * @module
 */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";

/** How often room is looked for while the disk is full, milliseconds. */
const retryEveryMs = 1_000;

/** Ballast of one database. */
export class Reserve {
  readonly #path: string;
  /** Size of the ballast. */
  readonly bytes: number;
  #held = false;
  #mayGrow = false;
  #nextTryMs = 0;

  /** `bytes` are kept in a file `<database>-reserve`. */
  constructor(database: string, bytes: number) {
    this.#path = `${database}-reserve`;
    this.bytes = bytes;
  }

  /** True while the ballast is there to be given up. */
  get held(): boolean {
    return this.#held;
  }

  /** False while the disk is full: growing calls are refused. */
  get mayGrow(): boolean {
    return this.#mayGrow;
  }

  /** Gives the ballast to the database. */
  release(nowMs: number): void {
    this.#mayGrow = false;
    this.#nextTryMs = nowMs + retryEveryMs;
    this.#held = false;
    remove(this.#path);
  }

  /** True when it is time to look for room: now and then while full, always while living on pages inside the database. */
  due(nowMs: number): boolean {
    return !this.#held && (this.#mayGrow || nowMs >= this.#nextTryMs);
  }

  /** Takes the ballast again if the disk has it. Else `reusable` bytes free inside the database may serve as one. */
  take(nowMs: number, reusable: number): void {
    this.#nextTryMs = nowMs + retryEveryMs;
    this.#held = this.#fits(reusable) && this.#write();
    // Deleted rows leave pages that the database fills again without asking the disk: a file never shrinks by itself.
    this.#mayGrow = this.#held || reusable >= this.bytes;
  }

  #fits(reusable: number): boolean {
    if (sizeOf(this.#path) === this.bytes) return true;
    const disk = statfsSync(dirname(this.#path));
    const left = Number(disk.bavail) * Number(disk.bsize) - this.bytes;
    // The log needs disk; messages can also use pages that are free inside the database.
    return left >= this.bytes / 4 && left + reusable >= this.bytes / 2;
  }

  #write(): boolean {
    if (sizeOf(this.#path) === this.bytes) return true;
    const chunk = new Uint8Array(64 * 1024);
    // Random bytes: a compressing file system would store zeros as nothing.
    crypto.getRandomValues(chunk);
    try {
      using file = Deno.openSync(this.#path, { create: true, truncate: true, write: true, mode: 0o600 });
      for (let left = this.bytes; left > 0;) left -= file.writeSync(chunk.subarray(0, Math.min(left, chunk.length)));
      file.syncSync();
      return true;
    } catch (thrown) {
      if (!isNoSpace(thrown)) throw thrown;
      remove(this.#path);
      return false;
    }
  }
}

function isNoSpace(thrown: unknown): boolean {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT";
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return -1;
    throw thrown;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
