/**
 * A real `fetch --follow --json`: every line it prints goes into its ledger.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import type { Ledger } from "./ledger.ts";
import { LineReader } from "./lines.ts";
import { end } from "./processes.ts";

/** One reading process and its ledger. */
export class Follower {
  readonly name: string;
  readonly #child: Deno.ChildProcess;
  readonly #stderr: Promise<string>;
  readonly #reading: Promise<void>;
  readonly #firstWord = Promise.withResolvers<string | null>();
  #shown = 0;
  #lastShownAt = performance.now();

  /**
   * @param args the whole command line after `deno`
   * @param heard is given what it prints besides messages
   */
  constructor(
    name: string,
    args: string[],
    env: Record<string, string>,
    ledger: Ledger,
    heard: (event: Record<string, unknown>) => void = () => {},
  ) {
    this.name = name;
    this.#child = new Deno.Command(Deno.execPath(), {
      args,
      env,
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stderr = new Response(this.#child.stderr).text();
    this.#reading = this.#read(ledger, heard);
  }

  /** The first line, when the program says who it is before it prints messages. */
  async firstWord(): Promise<string> {
    const word = await this.#firstWord.promise;
    if (word !== null) return word;
    throw new QightError("internal", `${this.name} ended without a word: ${await this.#stderr}`);
  }

  /** Messages printed so far. */
  get shown(): number {
    return this.#shown;
  }

  /** Milliseconds since it last printed a message. */
  get quietMs(): number {
    return performance.now() - this.#lastShownAt;
  }

  /** Process id, for strace. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Sends SIGKILL; `ended` says when it is gone and all that it had written is in the ledger. */
  kill(): void {
    end(this.#child, "SIGKILL");
  }

  /** Kills it and waits until it is gone; a complaint when it had ended by itself, so that nothing was struck. */
  async struck(): Promise<string[]> {
    this.kill();
    const { code, stderr } = await this.ended();
    return code === 137
      ? []
      : [`${this.name} ended with ${code} before it was killed: ${stderr.trim().split("\n").at(-1)}`];
  }

  /** How it ended by itself or by a kill: 137 after SIGKILL, whoever sent it. */
  async ended(): Promise<{ code: number; stderr: string }> {
    const { code } = await this.#child.status;
    await this.#reading;
    return { code, stderr: await this.#stderr };
  }

  /** Ends it with SIGTERM; answers what went wrong, if anything. */
  async finish(): Promise<string[]> {
    end(this.#child, "SIGTERM");
    const timer = setTimeout(() => end(this.#child, "SIGKILL"), 10_000);
    const { code } = await this.#child.status;
    clearTimeout(timer);
    await this.#reading;
    if (code === 143 || code === 0) return [];
    const words = (await this.#stderr).trim().split("\n").slice(-3).join(" | ");
    return [`${this.name} ended with ${code} instead of 143 or 0: ${words}`];
  }

  async #read(ledger: Ledger, heard: (event: Record<string, unknown>) => void): Promise<void> {
    const lines = new LineReader(this.#child.stdout);
    for (let line = await lines.next(); line !== null; line = await lines.next()) {
      if (!line.startsWith("{")) {
        this.#firstWord.resolve(line);
        continue;
      }
      const event = JSON.parse(line);
      const { type, id, seq, text, redelivered } = event;
      if (type === "taken") ledger.add({ kind: "taken", text, id, seq, reader: this.name });
      if (type !== "message") {
        heard(event);
        continue;
      }
      ledger.add({ kind: "shown", text, id, seq, reader: this.name, ...(redelivered ? { redelivered } : {}) });
      this.#shown++;
      this.#lastShownAt = performance.now();
    }
    this.#firstWord.resolve(null);
  }
}
