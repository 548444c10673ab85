/**
 * One attacker in a process of its own, who starts and ends when he is told.
 * @module
 */
import { QightError } from "../../../proto/errors.ts";
import { LineReader } from "../lines.ts";
import { end, script } from "../processes.ts";

/** A prepared attack; disposing it ends the process in any case. */
export class Attack implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: LineReader;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#lines = new LineReader(child.stdout);
    this.#input = child.stdin.getWriter();
  }

  /** Starts `tests/prove/network/NAME.ts` and waits until it is prepared. */
  static async prepare(name: string, ...args: (string | number)[]): Promise<Attack> {
    const child = new Deno.Command(Deno.execPath(), {
      args: script(`tests/prove/network/${name}.ts`, ...args.map(String)),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const attack = new Attack(child);
    await attack.#word("ready");
    return attack;
  }

  /** Lets it loose; resolves when it says that it has begun. */
  async begin(): Promise<void> {
    await this.#input.write(new TextEncoder().encode("go\n"));
    await this.#word("begun");
  }

  /** Ends it; answers what it counted, in its own unit. */
  async end(): Promise<number> {
    await this.#input.close();
    const count = Number(await this.#lines.next());
    await this.#child.status;
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    end(this.#child, "SIGKILL");
    await this.#child.status;
    await this.#input.abort().catch((error) => {
      if (!(error instanceof TypeError)) throw error; // closed already
    });
  }

  async #word(expected: string): Promise<void> {
    const word = await this.#lines.next();
    if (word !== expected) throw new QightError("internal", `The attacker said ${word} instead of ${expected}`);
  }
}
