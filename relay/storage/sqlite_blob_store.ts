/**
 * Blobs as the relay sees them: changes go through the queue of commits, reads to the thread that reads.
 * @module
 */
import type { BlobBegun, BlobPiece, BlobStore, ChunkPut, NewBlob } from "./blob_store.ts";
import type { CommitQueue } from "./commit_queue.ts";
import type { Read } from "./sqlite_group_store.ts";

/** See BlobStore. */
export class SqliteBlobStore implements BlobStore {
  readonly #queue: CommitQueue;
  readonly #read: Read;

  constructor(queue: CommitQueue, read: Read) {
    this.#queue = queue;
    this.#read = read;
  }

  begin(blob: NewBlob): Promise<BlobBegun> {
    return this.#queue.change("beginBlob", [blob]);
  }

  append(account: Uint8Array, sha256: Uint8Array, offset: number, data: Uint8Array): Promise<ChunkPut> {
    return this.#queue.change("appendBlob", [account, sha256, offset, data], data.length + 256);
  }

  settle(id: number, good: boolean): Promise<void> {
    return this.#queue.change("settleBlob", [id, good]);
  }

  read(sha256: Uint8Array, offset: number): Promise<BlobPiece | null> {
    return this.#read("readBlob", [sha256, offset]);
  }

  forget(account: Uint8Array, sha256: Uint8Array): Promise<boolean> {
    return this.#queue.change("forgetBlob", [account, sha256]);
  }
}
