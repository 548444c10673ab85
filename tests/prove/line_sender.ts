/**
 * A real `send --lines` under load: every line is in the ledger before the command gets it, every id it prints is an ack.
 * @module
 */
import type { Ledger } from "./ledger.ts";
import { LineReader } from "./lines.ts";
import { end } from "./processes.ts";

/** How hard a sender works, and for whom. */
export interface Load {
  /** Lines that may wait for their id. */
  readonly window: number;
  /** Lines a second at most. */
  readonly perSecond: number;
  /** Name of the reader whose mailbox it fills, so that the checker can compare numbers. */
  readonly to?: string;
  /** Lines are filled up to so many bytes with random digits. */
  readonly lineBytes?: number;
}

/** One sending process and its ledger. */
export class LineSender {
  readonly name: string;
  readonly #child: Deno.ChildProcess;
  readonly #stderr: Promise<string>;
  readonly #ledger: Ledger;
  readonly #texts: string[] = [];
  readonly #acks: Promise<void>;
  readonly #feeding: Promise<void>;
  #acknowledged = 0;
  #stopped = false;
  #running = true;
  #watchers: (() => void)[] = [];
  #wake: () => void = () => {};

  /** @param args the whole command line after `deno` */
  constructor(name: string, args: string[], env: Record<string, string>, ledger: Ledger, load: Load) {
    this.name = name;
    this.#ledger = ledger;
    this.#child = new Deno.Command(Deno.execPath(), {
      args,
      env,
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stderr = new Response(this.#child.stderr).text();
    this.#acks = this.#readAcks(load.to);
    this.#feeding = this.#feed(load);
    this.#feeding.catch(() => this.#wake());
    this.#child.status.then(() => {
      this.#running = false;
      this.#stopped = true;
      this.#progressed();
    });
  }

  /** Process id, to look at its size. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Lines acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** False once the command has ended. */
  get running(): boolean {
    return this.#running;
  }

  /** Resolves at the next ack, or when the command has ended. */
  progress(): Promise<void> {
    if (!this.#running) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  /** Gives no more lines and waits for the command's end; answers what went wrong, if anything. */
  async finish(withinMs: number): Promise<string[]> {
    this.#stopped = true;
    this.#wake();
    const timer = setTimeout(() => end(this.#child, "SIGKILL"), withinMs);
    const fed = await this.#feeding.then(() => null, (error) => `${this.name}: its input broke (${error})`);
    const status = await this.#child.status;
    await this.#acks;
    clearTimeout(timer);
    const complaints = fed === null ? [] : [fed];
    if (status.code !== 0) {
      const words = (await this.#stderr).trim().split("\n").slice(-3).join(" | ");
      complaints.push(`${this.name} ended with ${status.signal ?? status.code} instead of 0: ${words}`);
    } else if (this.#acknowledged !== this.#texts.length) {
      complaints.push(`${this.name} ended with 0 after ${this.#acknowledged} ids for ${this.#texts.length} lines`);
    }
    return complaints;
  }

  async #feed({ window, perSecond, lineBytes = 0 }: Load): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    const started = performance.now();
    while (!this.#stopped) {
      const due = this.#texts.length * 1000 / perSecond - (performance.now() - started);
      if (this.#texts.length - this.#acknowledged >= window) {
        await new Promise<void>((resolve) => this.#wake = resolve);
      } else if (due > 1) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          setTimeout(resolve, due);
        });
      } else {
        const n = this.#texts.length;
        const text = filled(`${this.name}-${n}-${crypto.randomUUID()}`, lineBytes);
        this.#texts.push(text);
        this.#ledger.add({ kind: "intent", text, sender: this.name, n });
        await writer.write(new TextEncoder().encode(text + "\n"));
      }
    }
    await writer.close();
  }

  /** Ids come in the order of the lines: alone, or as `--json` with the number in the mailbox. */
  async #readAcks(reader: string | undefined): Promise<void> {
    const lines = new LineReader(this.#child.stdout);
    for (let line = await lines.next(); line !== null; line = await lines.next()) {
      const { id, seq } = line.startsWith("{") ? JSON.parse(line) : { id: line.trim(), seq: undefined };
      const n = this.#acknowledged++;
      this.#ledger.add({ kind: "ack", text: this.#texts[n], sender: this.name, n, id, reader, seq });
      this.#progressed();
    }
  }

  #progressed(): void {
    this.#wake();
    for (const resolve of this.#watchers.splice(0)) resolve();
  }
}

function filled(text: string, bytes: number): string {
  const missing = Math.ceil((bytes - text.length) / 2);
  return missing > 0 ? text + crypto.getRandomValues(new Uint8Array(missing)).toHex() : text;
}
