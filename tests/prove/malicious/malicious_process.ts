/**
 * Starts the malicious relay in front of a real one, gives it orders, and keeps what it did.
 * @module
 */
import { QightError } from "../../../proto/errors.ts";
import { LineReader } from "../lines.ts";
import { end, freePort, script } from "../processes.ts";
import type { RelayProcess } from "../relay_process.ts";
import type { Misdeed, Orders } from "./misdeeds.ts";

/** A malicious relay that runs. */
export class MaliciousProcess implements AsyncDisposable {
  /** Everything it did so far, in order. */
  readonly misdeeds: Misdeed[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  /** Resolved in order as it says that it listens, and that it obeyed. */
  readonly #awaited: PromiseWithResolvers<string>[] = [];
  #address = "";

  private constructor(behind: RelayProcess, seed: number) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: script("tests/prove/malicious/main.ts", behind.address, behind.dataDir, String(freePort()), String(seed)),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    void this.#listen(new LineReader(this.#child.stdout));
  }

  /** Starts it and waits until it listens. */
  static async start(behind: RelayProcess, seed: number): Promise<MaliciousProcess> {
    const started = new MaliciousProcess(behind, seed);
    started.#address = await started.#word();
    return started;
  }

  /** Differs from the real relay's address by the port alone. */
  get address(): string {
    return this.#address;
  }

  /** Gives an order and waits until it is obeyed; what it did before is then in `misdeeds`. */
  async order(orders: Orders): Promise<void> {
    const obeyed = this.#word();
    await this.#stdin.write(new TextEncoder().encode(JSON.stringify(orders) + "\n"));
    await obeyed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    end(this.#child, "SIGKILL");
    await this.#child.status;
  }

  #word(): Promise<string> {
    const awaited = Promise.withResolvers<string>();
    this.#awaited.push(awaited);
    return awaited.promise;
  }

  /** Reads all the time: a relay whose output nobody takes would stand still. */
  async #listen(lines: LineReader): Promise<void> {
    for (let line = await lines.next(); line !== null; line = await lines.next()) {
      const said = JSON.parse(line);
      if ("did" in said) this.misdeeds.push(said);
      else this.#awaited.shift()?.resolve(said.address ?? said.obeyed);
    }
    for (const { reject } of this.#awaited) reject(new QightError("internal", "The malicious relay ended"));
  }
}
