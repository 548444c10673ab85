/**
 * Blobs of the store that forgets everything at exit.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import type { BlobBegun, BlobPiece, BlobStore, ChunkPut, NewBlob } from "./blob_store.ts";
import type { MemoryMailboxes } from "./memory_mailboxes.ts";

interface Kept {
  readonly id: number;
  readonly size: number;
  readonly claims: { readonly account: Uint8Array; untilMs: number }[];
  /** In order of their offsets. */
  readonly chunks: { readonly offset: number; readonly data: Uint8Array }[];
  received: number;
  whole: boolean;
  expiresAtMs: number;
}

/** Blobs by hash; the same answers as the SQLite tables'. */
export class MemoryBlobs implements BlobStore {
  readonly #mailboxes: MemoryMailboxes;
  readonly #changed: () => void;
  readonly #all = new Map<string, Kept>();
  #nextId = 1;

  constructor(mailboxes: MemoryMailboxes, changed: () => void) {
    this.#mailboxes = mailboxes;
    this.#changed = changed;
  }

  async begin(blob: NewBlob): Promise<BlobBegun> {
    this.#changed();
    const { account, size, untilMs, unfinishedUntilMs, nowMs, quota } = blob;
    const key = blob.sha256.toHex();
    const known = this.#all.get(key);
    if (known && known.size !== size) return { kind: "other_size", size: known.size };
    const claimed = this.#claimed(account, key, nowMs);
    if (claimed + size > quota) return { kind: "over_quota", claimed };
    const grown = size - (known?.received ?? 0);
    if (grown > 0 && !this.#mailboxes.fits(grown)) return { kind: "storage_full" };
    const kept: Kept = known ??
      { id: this.#nextId++, size, claims: [], chunks: [], received: 0, whole: false, expiresAtMs: unfinishedUntilMs };
    this.#all.set(key, kept);
    const claim = kept.claims.find((one) => equal(one.account, account)) ?? { account: account.slice(), untilMs };
    claim.untilMs = Math.max(claim.untilMs, untilMs);
    if (!kept.claims.includes(claim)) kept.claims.push(claim);
    kept.expiresAtMs = kept.whole ? latest(kept) : unfinishedUntilMs;
    return { kind: "begun", untilMs: claim.untilMs, id: kept.id, size, received: kept.received, whole: kept.whole };
  }

  async append(account: Uint8Array, sha256: Uint8Array, offset: number, data: Uint8Array): Promise<ChunkPut> {
    this.#changed();
    const kept = this.#all.get(sha256.toHex());
    if (!kept || !kept.claims.some((one) => equal(one.account, account))) return { kind: "unknown" };
    const { id, size, received } = kept;
    if (offset !== received || kept.whole) return { kind: "out_of_order", received };
    if (offset + data.length > size) return { kind: "too_long", size };
    if (!this.#mailboxes.fits(data.length)) return { kind: "storage_full" };
    kept.chunks.push({ offset, data: data.slice() });
    kept.received += data.length;
    this.#mailboxes.bytes += data.length;
    return { kind: "stored", id, size, received: kept.received, whole: false };
  }

  async settle(id: number, good: boolean): Promise<void> {
    this.#changed();
    const [key, kept] = [...this.#all].find(([, one]) => one.id === id) ?? [];
    if (key === undefined || !kept || kept.whole) return;
    if (!good) return this.#remove(key, kept);
    if (kept.received < kept.size) return;
    kept.whole = true;
    if (kept.claims.length > 0) kept.expiresAtMs = latest(kept);
  }

  async read(sha256: Uint8Array, offset: number): Promise<BlobPiece | null> {
    const kept = this.#all.get(sha256.toHex());
    if (!kept) return null;
    const { id, size, received, whole } = kept;
    const chunk = kept.chunks.findLast((one) => one.offset <= offset);
    const data = chunk?.data.slice(offset - chunk.offset) ?? new Uint8Array(0);
    return { id, size, received, whole, data };
  }

  async forget(account: Uint8Array, sha256: Uint8Array): Promise<boolean> {
    this.#changed();
    return this.#unclaim(account, sha256.toHex());
  }

  /** Gives all claims of an account up. */
  forgetAll(account: Uint8Array): void {
    for (const key of this.#all.keys()) this.#unclaim(account, key);
  }

  #unclaim(account: Uint8Array, key: string): boolean {
    const kept = this.#all.get(key);
    const at = kept?.claims.findIndex((one) => equal(one.account, account)) ?? -1;
    if (!kept || at < 0) return false;
    kept.claims.splice(at, 1);
    if (kept.claims.length === 0) kept.expiresAtMs = 0;
    else if (kept.whole) kept.expiresAtMs = latest(kept);
    return true;
  }

  /** Removes what is over. */
  collect(nowMs: number): void {
    for (const [key, kept] of this.#all) {
      if (kept.expiresAtMs <= nowMs) this.#remove(key, kept);
      else kept.claims.splice(0, Infinity, ...kept.claims.filter(({ untilMs }) => untilMs > nowMs));
    }
  }

  #remove(key: string, { received }: Kept): void {
    this.#all.delete(key);
    this.#mailboxes.bytes -= received;
  }

  #claimed(account: Uint8Array, except: string, nowMs: number): number {
    let sum = 0;
    for (const [key, { size, claims }] of this.#all) {
      if (key !== except && claims.some((one) => one.untilMs > nowMs && equal(one.account, account))) sum += size;
    }
    return sum;
  }
}

function latest({ claims }: Kept): number {
  return Math.max(...claims.map(({ untilMs }) => untilMs));
}
