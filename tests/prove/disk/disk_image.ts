/**
 * What a disk may hold after a power cut: everything synced, and of the rest whatever chance kept.
 *
 * The model: a sync of a file makes its earlier bytes and its length durable, a sync of a folder its earlier names. What is
 * not synced is lost, kept or torn sector by sector (512 bytes); a torn sector ends with its older bytes, as SQLite's
 * "powersafe overwrite" assumes (sqlite.org/psow.html). Names of one folder reach the disk in order, as in a journal.
 * @module
 */
import { dirname } from "node:path";
import type { DiskCall } from "./disk_trace.ts";

const sectorBytes = 512;

interface Change {
  readonly startUs: number;
  readonly endUs: number;
  readonly offset: number;
  readonly data: Uint8Array;
  /** Set for a truncate. */
  readonly length?: number;
}

class DiskFile {
  readonly durable: Bytes;
  readonly isFolder: boolean;
  pending: Change[] = [];
  cursor = 0;
  size: number;

  constructor(durable: Uint8Array = new Uint8Array(0), isFolder = false) {
    this.durable = new Bytes(durable);
    this.size = durable.length;
    this.isFolder = isFolder;
  }
}

interface NameChange {
  readonly startUs: number;
  readonly apply: (names: Map<string, DiskFile>) => void;
}

/** A disk that calls are played onto, and that can be cut off at any moment between them. */
export class DiskImage {
  readonly #moments: { atUs: number; call: DiskCall }[];
  readonly #names = new Map<string, DiskFile>();
  readonly #durableNames = new Map<string, DiskFile>();
  readonly #pendingNames = new Map<string, NameChange[]>();
  #next = 0;

  /** @param before files that lie there durably before the first call */
  constructor(calls: readonly DiskCall[], before: ReadonlyMap<string, Uint8Array> = new Map()) {
    // A change may reach the disk as soon as it begins; a sync counts when it has ended.
    this.#moments = calls.map((call) => ({ atUs: call.call === "sync" ? call.endUs : call.startUs, call }))
      .sort((a, b) => a.atUs - b.atUs);
    for (const [path, bytes] of before) {
      const file = new DiskFile(bytes);
      this.#names.set(path, file);
      this.#durableNames.set(path, file);
    }
  }

  /** Plays everything before this moment; moments must not go back. */
  playUntil(atUs: number): void {
    while (this.#next < this.#moments.length && this.#moments[this.#next].atUs < atUs) {
      this.#play(this.#moments[this.#next++].call);
    }
  }

  /** Bytes written and not synced now. */
  get unsyncedBytes(): number {
    let sum = 0;
    for (const { pending } of this.#names.values()) for (const { data } of pending) sum += data.length;
    return sum;
  }

  /** Files after the power is cut now. @param chance decides each unsynced sector; @param keep share that is kept */
  cut(chance: () => number, keep: number): Map<string, Uint8Array> {
    const names = new Map(this.#durableNames);
    for (const changes of this.#pendingNames.values()) {
      const reached = Math.floor(chance() * (changes.length + 1));
      for (const { apply } of changes.slice(0, reached)) apply(names);
    }
    const files = new Map<string, Uint8Array>();
    for (const [path, file] of names) {
      // A folder that the process made may itself be gone, with all that is in it.
      const gone = this.#names.has(dirname(path)) && !names.has(dirname(path));
      if (!gone && !file.isFolder) files.set(path, remains(file, chance, keep));
    }
    return files;
  }

  #play(call: DiskCall): void {
    const { path, startUs, endUs } = call;
    switch (call.call) {
      case "open": {
        const known = this.#names.get(path);
        if (known) known.cursor = call.flags!.includes("O_APPEND") ? known.size : 0;
        else if (call.flags!.includes("O_CREAT")) this.#add(path, startUs, new DiskFile());
        if (known && call.flags!.includes("O_TRUNC")) this.#change(known, startUs, endUs, 0, new Uint8Array(0), 0);
        return;
      }
      case "mkdir":
        return this.#add(path, startUs, new DiskFile(undefined, true));
      case "unlink":
        return this.#rename(path, startUs, (names) => names.delete(path));
      case "link":
      case "rename": {
        const file = this.#names.get(path);
        if (!file) return;
        return this.#rename(call.to!, startUs, (names) => {
          names.set(call.to!, file);
          if (call.call === "rename") names.delete(path);
        });
      }
      case "write": {
        const file = this.#names.get(path);
        if (!file) return;
        const offset = call.offset ?? file.cursor;
        if (call.offset === undefined) file.cursor += call.data!.length;
        return this.#change(file, startUs, endUs, offset, call.data!);
      }
      case "truncate": {
        const file = this.#names.get(path);
        if (file) this.#change(file, startUs, endUs, 0, new Uint8Array(0), call.length!);
        return;
      }
      case "sync":
        this.#sync(call);
    }
  }

  #change(file: DiskFile, startUs: number, endUs: number, offset: number, data: Uint8Array, length?: number): void {
    file.pending.push({ startUs, endUs, offset, data, ...(length === undefined ? {} : { length }) });
    file.size = length ?? Math.max(file.size, offset + data.length);
  }

  #add(path: string, startUs: number, file: DiskFile): void {
    this.#rename(path, startUs, (names) => names.set(path, file));
  }

  #rename(path: string, startUs: number, apply: (names: Map<string, DiskFile>) => void): void {
    apply(this.#names);
    const folder = dirname(path);
    this.#pendingNames.set(folder, [...this.#pendingNames.get(folder) ?? [], { startUs, apply }]);
  }

  #sync({ path, startUs }: DiskCall): void {
    const file = this.#names.get(path);
    if (file) {
      const reached = file.pending.filter((change) => change.endUs <= startUs);
      file.pending = file.pending.filter((change) => change.endUs > startUs);
      for (const change of reached) file.durable.change(change);
    }
    const changes = this.#pendingNames.get(path) ?? [];
    for (const { apply } of changes.filter((change) => change.startUs < startUs)) apply(this.#durableNames);
    this.#pendingNames.set(path, changes.filter((change) => change.startUs >= startUs));
  }
}

/** Bytes that grow without being copied at each step. */
class Bytes {
  #room: Uint8Array<ArrayBuffer>;
  length: number;

  constructor(bytes: Uint8Array = new Uint8Array(0), room = bytes.length) {
    this.#room = new Uint8Array(Math.max(room, bytes.length));
    this.#room.set(bytes);
    this.length = bytes.length;
  }

  /** The bytes now; a view. */
  get now(): Uint8Array<ArrayBuffer> {
    return this.#room.subarray(0, this.length);
  }

  put(offset: number, data: Uint8Array): void {
    const end = offset + data.length;
    if (end > this.#room.length) {
      const larger = new Uint8Array(end * 2);
      larger.set(this.now);
      this.#room = larger;
    }
    this.#room.set(data, offset);
    this.length = Math.max(this.length, end);
  }

  resize(length: number): void {
    if (length > this.length) this.put(length, new Uint8Array(0));
    this.#room.fill(0, length, this.length);
    this.length = length;
  }

  change({ offset, data, length }: Change): void {
    if (length === undefined) this.put(offset, data);
    else this.resize(length);
  }
}

function remains(file: DiskFile, chance: () => number, keep: number): Uint8Array {
  const bytes = new Bytes(file.durable.now, file.size);
  const bySector = new Map<number, Change[]>();
  const flush = () => {
    for (const [sector, changes] of bySector) keepSome(bytes, sector, changes, chance, keep);
    bySector.clear();
  };
  for (const change of file.pending) {
    if (change.length !== undefined) {
      flush();
      if (chance() < 0.5) bytes.change(change);
      continue;
    }
    const last = Math.floor((change.offset + change.data.length - 1) / sectorBytes);
    for (let sector = Math.floor(change.offset / sectorBytes); sector <= last; sector++) {
      const known = bySector.get(sector);
      if (known) known.push(change);
      else bySector.set(sector, [change]);
    }
  }
  flush();
  // The length may be on disk before the bytes are: they read as zeros then.
  if (file.size > bytes.length && chance() < 0.5) bytes.resize(file.size);
  return bytes.now;
}

/** Leaves the sector as it was after some of the changes to it, the last of them perhaps cut short. */
function keepSome(
  bytes: Bytes,
  sector: number,
  changes: readonly Change[],
  chance: () => number,
  keep: number,
): void {
  const dice = chance();
  const tear = keep > 0 && dice >= keep && dice < keep + (1 - keep) / 2;
  if (dice >= keep && !tear) return;
  const kept = tear ? Math.floor(chance() * changes.length) + 1 : changes.length;
  changes.slice(0, kept).forEach(({ offset, data }, i) => {
    const from = Math.max(offset, sector * sectorBytes);
    const to = Math.min(offset + data.length, (sector + 1) * sectorBytes);
    const end = tear && i === kept - 1 ? from + Math.floor(chance() * (to - from)) : to;
    bytes.put(from, data.subarray(from - offset, end - offset));
  });
}
