/**
 * One call under way: its stream, its deadline, and what stopped it.
 * @module
 */
import type { ByteStream, Connection } from "../net/connection.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { FrameReader } from "../proto/frame.ts";
import type { Method } from "../proto/methods.ts";
import { encodeParts } from "./call_frames.ts";
import type { Deadlines } from "./deadlines.ts";

/** Where calls begin. */
export interface CallStarter {
  readonly connection: Connection;
  readonly deadlines: Deadlines;
}

/** A call from opening its stream until its last frame. */
export class Call {
  /** Milliseconds that the caller waits; 0 without a deadline. */
  readonly timeoutMs: number;
  readonly #method: Method;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.stop(this.#signal!.reason);
  #stream: ByteStream | null = null;
  #frames: FrameReader | null = null;
  #stopped: { reason: unknown } | null = null;
  #onStop: ((reason: unknown) => void) | null = null;
  #unwatch: (() => void) | null = null;
  #writeError: unknown = undefined;
  #over = false;
  /** The relay waits in this call and reads on: it hears of its end by the end frame alone. */
  #open = false;

  constructor(method: Method, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#method = method;
    this.timeoutMs = timeoutMs;
    this.#signal = signal;
  }

  /** Opens the stream; waits while the peer's stream limit is reached, but not beyond the deadline. */
  open(starter: CallStarter): Promise<ByteStream> {
    if (this.#signal?.aborted) return Promise.reject(this.#signal.reason);
    this.#signal?.addEventListener("abort", this.#onAbort);
    if (this.timeoutMs > 0) {
      this.#unwatch = starter.deadlines.watch(this.timeoutMs, () =>
        this.stop(
          new QightError("timeout", `The relay did not answer ${this.#method.name} within ${this.timeoutMs} ms`),
        ));
    }
    return new Promise((resolve, reject) => {
      this.#onStop = reject;
      starter.connection.openStream().then((stream) => {
        if (this.#stopped || this.#over) return stream.reset();
        this.#stream = stream;
        this.#frames = new FrameReader(() => stream.read());
        resolve(stream);
      }, reject);
    });
  }

  /**
   * Writes the only request without waiting; a reply that comes all the same counts more than a failed write. Our side
   * ends after it, except in a call that waits: there the end frame, said on leaving, tells the relay to stop.
   */
  write(bytes: Uint8Array): void {
    const stream = this.#stream!;
    this.#open = this.#method.waits;
    const sent = this.#open ? stream.write(bytes) : stream.write(bytes).then(() => stream.end());
    sent.catch((error) => this.#writeError = error);
  }

  /** The next reply frame; a stream that just stops is a broken one, since its end carries no meaning. */
  async nextFrame(limit: number): Promise<Uint8Array> {
    const frame = await this.#frames!.next(limit);
    if (frame === null) {
      throw new QightError("unreachable", `The relay broke off ${this.#method.name}`, { cause: this.#writeError });
    }
    return frame;
  }

  /** Reads what is left (nothing but the end of the stream), so that the transport can forget the stream. */
  drain(): void {
    const stream = this.#stream!;
    this.#over = true;
    if (this.#open) stream.end().catch((error) => this.#writeError = error);
    // A relay that sends more after its last frame, or a connection that ends now, changes nothing about the answer.
    stream.read().then((rest) => rest === null || stream.reset(), () => stream.reset());
  }

  /** Gives the call up for `reason`. */
  stop(reason: unknown): void {
    if (this.#stopped || this.#over) return;
    this.#stopped = { reason };
    this.#onStop?.(reason);
    this.#leave();
  }

  /** The error to throw: what stopped the call if something did, else what was thrown. */
  fail(thrown: unknown): unknown {
    if (this.#stopped) return this.#stopped.reason;
    return asQightError(thrown, "unreachable");
  }

  /** Releases deadline, signal and stream; called once, whatever happened. */
  finished(): void {
    this.#unwatch?.();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    if (!this.#over) {
      this.#over = true;
      this.#leave();
    }
  }

  /**
   * Gives the stream up. Over Deno's QUIC a reset reaches the relay as a clean end, which carries no meaning, and that the
   * reader left only when the relay writes again: without the end frame each left watch would keep its stream for ever.
   */
  #leave(): void {
    const stream = this.#stream;
    if (!stream) return;
    if (!this.#open) return stream.reset();
    this.#open = false;
    const reset = () => stream.reset();
    stream.write(encodeParts([], true)).then(reset, reset);
  }
}
