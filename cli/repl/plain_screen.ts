/** A chat without a terminal: lines in, lines out, and nothing that steers a screen. @module */
import { readLines } from "../lines.ts";
import type { Output } from "../output.ts";
import { plainPaint, type Screen } from "./screen.ts";

/** Conversations on stdout, remarks on stderr. */
export class PlainScreen implements Screen {
  readonly interactive = false;
  readonly paint = plainPaint;
  readonly #out: Output;
  readonly #lines: AsyncGenerator<Uint8Array>;

  constructor(out: Output, signal: AbortSignal, source: ReadableStream<Uint8Array> = Deno.stdin.readable) {
    this.#out = out;
    this.#lines = readLines(source, signal);
  }

  async line(): Promise<string | null> {
    const { done, value } = await this.#lines.next();
    return done ? null : new TextDecoder().decode(value);
  }

  ask(question: string): Promise<string | null> {
    this.#out.error(question);
    return this.line();
  }

  setPrompt(): void {
    // Nobody edits a line here: a prompt would only stand in the way of whoever reads the output.
  }

  async show(text: string): Promise<void> {
    await this.#out.bytes(new TextEncoder().encode(`${text}\n`));
  }

  note(text: string): void {
    this.#out.note(text);
  }

  warn(text: string): void {
    this.#out.error(text);
  }

  onKey(): void {
    // Lines come whole.
  }

  ring(): void {
    // A bell is a control character.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The process closes its own streams.
  }
}
