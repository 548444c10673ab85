/**
 * Writes the request messages of one call; messages that queue up while a write is under way go out together.
 * @module
 */
import type { ByteStream } from "../net/connection.ts";
import { encodeParts } from "./call_frames.ts";

/** Queued bytes above which a sender waits. */
const HIGH_WATER_BYTES = 64 * 1024;

/** The request side of one call's stream. */
export class PartWriter {
  readonly #stream: ByteStream;
  #header: Uint8Array | null;
  #queued: Uint8Array[] = [];
  #queuedBytes = 0;
  #end = false;
  #writing: Promise<void> | null = null;
  #failure: { error: unknown } | null = null;

  /** @param header the frame of the CallHeader; it goes out with the first message */
  constructor(stream: ByteStream, header: Uint8Array) {
    this.#stream = stream;
    this.#header = header;
  }

  /** Queues a message; resolves at once while little is queued, else when everything queued is handed over. */
  send(message: Uint8Array): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    this.#queued.push(message);
    this.#queuedBytes += message.length;
    const written = this.#write();
    return this.#queuedBytes > HIGH_WATER_BYTES ? written : Promise.resolve();
  }

  /** Queues the explicit end; resolves when everything is handed over and our side of the stream has ended. */
  end(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    this.#end = true;
    return this.#write();
  }

  #write(): Promise<void> {
    if (!this.#writing) {
      this.#writing = this.#flush();
      // Whoever waits gets the error; who does not gets it from the next send, and the reader from its own side.
      this.#writing.catch((error) => this.#failure = { error });
    }
    return this.#writing;
  }

  async #flush(): Promise<void> {
    await null; // lets what is sent in the same turn gather
    let ended = false;
    while (!ended && (this.#queued.length > 0 || this.#end)) {
      const parts = encodeParts(this.#queued, ended = this.#end);
      this.#queued = [];
      this.#queuedBytes = 0;
      await this.#stream.write(this.#withHeader(parts));
    }
    if (ended) await this.#stream.end();
    this.#writing = null;
  }

  #withHeader(parts: Uint8Array): Uint8Array {
    if (!this.#header) return parts;
    const whole = new Uint8Array(this.#header.length + parts.length);
    whole.set(this.#header);
    whole.set(parts, this.#header.length);
    this.#header = null;
    return whole;
  }
}
