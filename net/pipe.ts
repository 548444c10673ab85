/**
 * One direction of a byte stream in memory: chunks in order, an end, a failure, and a limit on what is buffered.
 * @module
 */

/** Buffers what was written until it is read; one reader at a time. */
export class BytePipe {
  readonly #chunks: Uint8Array[] = [];
  readonly #onRead: (bytes: number) => void;
  #buffered = 0;
  #small = 0;
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
      this.#small = bytes.length < SMALL ? this.#small + 1 : 0;
      if (this.#small === MERGE) this.#mergeSmall();
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
    this.#small = 0;
    this.#waiting?.reject(this.#error);
    this.#waiting = undefined;
    if (dropped > 0) this.#onRead(dropped);
  }

  /** The next chunk, or null at the end. */
  read(): Promise<Uint8Array | null> {
    if (this.#error) return Promise.reject(this.#error);
    const chunk = this.#chunks.shift();
    if (chunk) {
      if (this.#small > this.#chunks.length) this.#small = this.#chunks.length;
      this.#buffered -= chunk.length;
      this.#onRead(chunk.length);
      return Promise.resolve(chunk);
    }
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve, reject) => this.#waiting = { resolve, reject });
  }

  // One object per byte would cost a hundred times the bytes that the peer has credit for.
  #mergeSmall(): void {
    const parts = this.#chunks.splice(this.#chunks.length - MERGE);
    const merged = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      merged.set(part, at);
      at += part.length;
    }
    this.#chunks.push(merged);
    this.#small = 0;
  }
}

const SMALL = 1_024;
const MERGE = 64;

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

  /** Takes exactly this much; the caller has looked at `available`. */
  takeNow(bytes: number): void {
    this.#available -= bytes;
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

/** Runs the writes and the end of one stream one after the other, so that their bytes never mix. */
export class InOrder {
  #last: Promise<unknown> = Promise.resolve();
  #queued = 0;

  /** Whether nothing is waiting or running: then a step may be done at once instead. */
  get idle(): boolean {
    return this.#queued === 0;
  }

  /** Runs a step after those before it. */
  run(step: () => Promise<void>): Promise<void> {
    this.#queued++;
    const done = this.#last.then(step).finally(() => this.#queued--);
    this.#last = done.catch(() => {}); // whoever asked hears of it; those behind meet the broken stream themselves
    return done;
  }
}
