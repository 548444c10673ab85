/**
 * What the relay asks of its storage about files: ciphertext known by its SHA-256, in chunks that come one after the other.
 * @module
 */

/** What an account is about to bring. */
export interface NewBlob {
  readonly account: Uint8Array; // account hash, 32 bytes
  readonly sha256: Uint8Array; // of the whole, 32 bytes
  readonly size: number; // bytes of the whole, at least 1
  /** Until when the account wants it kept. */
  readonly untilMs: number;
  /** Until when it is kept as long as it is not whole. */
  readonly unfinishedUntilMs: number;
  readonly nowMs: number;
  /** Bytes that the account may claim in all. */
  readonly quota: number;
}

/** How much of a blob is there. `id` tells this try from an earlier one with the same hash. */
export interface BlobProgress {
  readonly id: number;
  readonly size: number;
  readonly received: number;
  /** Its hash was found right. */
  readonly whole: boolean;
}

/** Answer to an announced blob. */
export type BlobBegun =
  | ({ readonly kind: "begun"; readonly untilMs: number } & BlobProgress)
  | { readonly kind: "other_size"; readonly size: number }
  | { readonly kind: "over_quota"; readonly claimed: number }
  | { readonly kind: "storage_full" };

/** What became of a chunk. Only `stored` is acknowledged, and only after the commit is on disk. */
export type ChunkPut =
  | ({ readonly kind: "stored" } & BlobProgress)
  /** Another byte is the next one. */
  | { readonly kind: "out_of_order"; readonly received: number }
  | { readonly kind: "too_long"; readonly size: number }
  /** Nothing of that hash was announced by this account, or it is gone. */
  | { readonly kind: "unknown" }
  | { readonly kind: "storage_full" };

/** A piece of a blob: what one chunk holds from the offset on. */
export interface BlobPiece extends BlobProgress {
  readonly data: Uint8Array;
}

/** Blobs; one with several claims stays until the last of them is over. */
export interface BlobStore {
  /** Claims a blob for an account, and says how much of it is there. */
  begin(blob: NewBlob): Promise<BlobBegun>;
  /** Adds a chunk at the end of what was received. */
  append(account: Uint8Array, sha256: Uint8Array, offset: number, data: Uint8Array): Promise<ChunkPut>;
  /** After the last chunk: the blob is whole, or is dropped because its hash is another one. */
  settle(id: number, good: boolean): Promise<void>;
  /** Bytes from `offset` on, as far as one chunk goes, empty at the end; null when there is no such blob. */
  read(sha256: Uint8Array, offset: number): Promise<BlobPiece | null>;
  /** Gives the account's claim up; without any the blob goes. False when there was none. */
  forget(account: Uint8Array, sha256: Uint8Array): Promise<boolean>;
}
