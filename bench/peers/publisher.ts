/**
 * What a minimal client of a peer offers, and the bytes below it.
 * @module
 */

/** One connection to a peer that acknowledges what it took. */
export interface Publisher {
  /** Resolves when the peer acknowledged the payload; rejects when it refused it. */
  publish(payload: Uint8Array): Promise<void>;
  close(): void;
}

/** Reads exact counts and lines from a connection. */
export class ByteReader {
  #conn: Deno.Conn;
  #buffer = new Uint8Array(64 * 1024);
  #from = 0;
  #to = 0;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Exactly `count` bytes; valid until the next read. */
  async exactly(count: number): Promise<Uint8Array> {
    while (this.#to - this.#from < count) await this.#fill(count);
    return this.#buffer.subarray(this.#from, this.#from += count);
  }

  /** A line without its CRLF. */
  async line(): Promise<string> {
    for (let scanned = this.#from;;) {
      const at = this.#buffer.subarray(0, this.#to).indexOf(10, scanned);
      if (at >= 0) {
        const text = new TextDecoder().decode(this.#buffer.subarray(this.#from, at - 1));
        this.#from = at + 1;
        return text;
      }
      const behind = this.#to - this.#from;
      await this.#fill(behind + 1);
      scanned = this.#from + behind;
    }
  }

  async #fill(wanted: number): Promise<void> {
    if (this.#from > 0 && this.#buffer.length - this.#from < Math.max(wanted, 4096)) {
      this.#buffer.copyWithin(0, this.#from, this.#to);
      this.#to -= this.#from;
      this.#from = 0;
    }
    if (this.#buffer.length - this.#from < wanted) {
      const larger = new Uint8Array(wanted * 2);
      larger.set(this.#buffer.subarray(0, this.#to));
      this.#buffer = larger;
    }
    const count = await this.#conn.read(this.#buffer.subarray(this.#to));
    if (count === null) throw new Deno.errors.UnexpectedEof("the peer closed the connection");
    this.#to += count;
  }
}

/** Writes what has been queued meanwhile in one go, as the peers' own clients do. */
export class JoiningWriter {
  #conn: Deno.Conn;
  #queued: Uint8Array[] = [];
  #writing = false;
  #failed: (error: unknown) => void;

  constructor(conn: Deno.Conn, failed: (error: unknown) => void) {
    this.#conn = conn;
    this.#failed = failed;
  }

  /** Queues bytes; they go out at the end of this turn of the event loop. */
  write(...chunks: Uint8Array[]): void {
    this.#queued.push(...chunks);
    if (this.#writing) return;
    this.#writing = true;
    queueMicrotask(() => this.#flush().catch(this.#failed));
  }

  async #flush(): Promise<void> {
    while (this.#queued.length > 0) {
      const joined = join(this.#queued.splice(0));
      for (let at = 0; at < joined.length;) at += await this.#conn.write(joined.subarray(at));
    }
    this.#writing = false;
  }
}

/** One array from many. */
export function join(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Answers that are still owed, by key; all of them fail together when the connection does. */
export class Owed<Key> {
  #waiting = new Map<Key, { resolve: () => void; reject: (error: unknown) => void }>();
  #error: unknown;

  wait(key: Key): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => this.#waiting.set(key, { resolve, reject }));
  }

  settle(key: Key, error?: unknown): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(error);
  }

  failAll(error: unknown): void {
    this.#error = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

const text = new TextEncoder();

/** UTF-8 bytes of a protocol line. */
export function utf8(line: string): Uint8Array {
  return text.encode(line);
}
