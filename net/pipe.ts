/**
 * One direction of a byte stream in memory: chunks in order, an end, a failure, and a limit on what is buffered.
 * @module
 */

/** Buffers what was written until it is read; one reader at a time. */
export class BytePipe {
  readonly #chunks: Uint8Array[] = [];
  readonly #onRead: (bytes: number) => void;
  #buffered = 0;
  #ended = false;
  #error?: Error;
  #waiting?: { resolve: (bytes: Uint8Array | null) => void; reject: (error: Error) => void };

  /** `onRead` hears how many bytes the reader took, so that the writer may be given credit for as many. */
  constructor(onRead: (bytes: number) => void = () => {}) {
    this.#onRead = onRead;
  }

  /** Bytes that arrived and were not read. */
  get buffered(): number {
    return this.#buffered;
  }

  /** Whether an end or a failure was seen: nothing may come after it. */
  get finished(): boolean {
    return this.#ended || this.#error !== undefined;
  }

  /** Appends bytes; the caller has checked the limit and `finished`. Empty chunks vanish. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.finished) return;
    const reader = this.#waiting;
    if (!reader) {
      this.#chunks.push(bytes);
      this.#buffered += bytes.length;
      return;
    }
    this.#waiting = undefined;
    reader.resolve(bytes);
    this.#onRead(bytes.length);
  }

  /** No more bytes; what is buffered is still read. */
  end(): void {
    this.#ended = true;
    this.#waiting?.resolve(null);
    this.#waiting = undefined;
  }

  /** Breaks the pipe: what is buffered is dropped and every read rejects. After `end` only the buffer is dropped. */
  fail(error: Error): void {
    this.#error ??= error;
    const dropped = this.#buffered;
    this.#chunks.length = 0;
    this.#buffered = 0;
    this.#waiting?.reject(this.#error);
    this.#waiting = undefined;
    if (dropped > 0) this.#onRead(dropped);
  }

  /** The next chunk, or null at the end. */
  read(): Promise<Uint8Array | null> {
    if (this.#error) return Promise.reject(this.#error);
    const chunk = this.#chunks.shift();
    if (chunk) {
      this.#buffered -= chunk.length;
      this.#onRead(chunk.length);
      return Promise.resolve(chunk);
    }
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve, reject) => this.#waiting = { resolve, reject });
  }
}

/** How many bytes may still be written; writers wait for more in order. */
export class Credit {
  #available: number;
  #error?: Error;
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(initial: number) {
    this.#available = initial;
  }

  /** Bytes that may be written at once. */
  get available(): number {
    return this.#available;
  }

  /** Takes up to `wanted` bytes of credit; waits while there is none. */
  async take(wanted: number): Promise<number> {
    while (this.#available <= 0) {
      if (this.#error) throw this.#error;
      await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    }
    if (this.#error) throw this.#error;
    const taken = Math.min(wanted, this.#available);
    this.#available -= taken;
    return taken;
  }

  /** Gives more credit and wakes who waits. */
  give(bytes: number): void {
    this.#available += bytes;
    for (const waiter of this.#waiting.splice(0)) waiter.resolve();
  }

  /** Nobody will ever write again: those who wait reject. */
  fail(error: Error): void {
    this.#error ??= error;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }
}
