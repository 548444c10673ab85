/** Where a command's words go: data on stdout, all else on stderr. @module */
import { QightError } from "../proto/errors.ts";
import { escapeControls, safeJson } from "./escape.ts";

/** The reader of stdout went away (`qight fetch | head -1`): the command ends quietly. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";
  /** Bytes of the last write that did reach the pipe. */
  readonly written: number;

  constructor(written: number) {
    super("The reader of standard output went away");
    this.written = written;
  }
}

/** What decides how output looks. */
export interface OutputStyle {
  readonly json: boolean;
  readonly quiet: boolean;
  /** 0 = normal, 1 = -v, 2 = -vv. */
  readonly verbose: number;
}

/** Something that takes bytes, such as `Deno.stdout`. */
export interface Sink {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

/** The two streams of one command. */
export class Output {
  readonly json: boolean;
  readonly verbose: number;
  /** No remarks. */
  readonly quiet: boolean;
  /** Runs before anything else is written: a progress bar makes room. */
  beforeLines: () => void = () => {};
  readonly #stdout: Sink;
  readonly #stderr: Sink;

  constructor(style: OutputStyle, stdout: Sink = Deno.stdout, stderr: Sink = Deno.stderr) {
    this.json = style.json;
    this.verbose = style.verbose;
    this.quiet = style.quiet;
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  /** Whether a person looks at stdout. */
  get onTerminal(): boolean {
    return this.#stdout.isTerminal();
  }

  /** Writes bytes to stdout and resolves when the system has them all; throws `ReaderGone` on a closed pipe. */
  async bytes(bytes: Uint8Array): Promise<void> {
    this.beforeLines();
    let at = 0;
    while (at < bytes.length) {
      try {
        at += await this.#stdout.write(bytes.subarray(at));
      } catch (error) {
        if (error instanceof Deno.errors.BrokenPipe) throw new ReaderGone(at);
        throw new QightError("io", `Cannot write to standard output: ${(error as Error).message}`, { cause: error });
      }
    }
  }

  /** One line of data; steering characters are made visible. */
  async line(text: string): Promise<void> {
    await this.bytes(encoder.encode(`${escapeControls(text)}\n`));
  }

  /** One JSON object on one line of stdout. */
  async object(value: unknown): Promise<void> {
    await this.bytes(encoder.encode(`${safeJson(value)}\n`));
  }

  /** A single result: the object with `--json`, else the line. */
  async result(value: unknown, text: string): Promise<void> {
    await (this.json ? this.object(value) : this.line(text));
  }

  /** A remark for people on stderr; `-q` silences it. */
  note(text: string): void {
    if (!this.quiet) this.error(text);
  }

  /** A remark that only `-v` shows. */
  detail(text: string): void {
    if (this.verbose > 0) this.note(text);
  }

  /** A line on stderr that `-q` does not silence. */
  error(text: string): void {
    this.raw(`${escapeControls(text)}\n`);
  }

  /** Text on stderr as it is; the caller has escaped it. A closed stderr is nobody's loss. */
  raw(text: string): void {
    this.beforeLines();
    this.draw(text);
  }

  /** Like `raw`, for a progress bar itself. */
  draw(text: string): void {
    const bytes = encoder.encode(text);
    let at = 0;
    try {
      while (at < bytes.length) at += this.#stderr.writeSync(bytes.subarray(at));
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  }
}

const encoder = new TextEncoder();
