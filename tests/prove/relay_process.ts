/**
 * A real relay in a process of its own, on the same port and data folder each time it is started.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import { end, freePort, person, qight, script } from "./processes.ts";
import { LineReader } from "./lines.ts";
import type { RelayEntry } from "./row.ts";

/** Ready must come within this many milliseconds of the start, also after a kill. */
export const READY_MS = 3000;

/** A relay that can be killed and started again. */
export class RelayProcess implements AsyncDisposable {
  readonly dataDir: string;
  readonly port: number;
  readonly httpPort: number;
  readonly #settings: Record<string, string>;
  readonly #log: string;
  readonly #entry: RelayEntry | undefined;
  #child: Deno.ChildProcess | null = null;
  /** Resolves when the process has said its last words. */
  #logged: Promise<void> = Promise.resolve();
  #address = "";

  /**
   * @param folder holds data and log
   * @param settings `QIGHT_CFG__…` over the test's own defaults
   * @param entry what to start instead of `qight relay`
   */
  constructor(folder: string, settings: Record<string, string> = {}, entry?: RelayEntry) {
    this.#entry = entry;
    this.dataDir = `${folder}/relay`;
    this.#log = `${folder}/relay.log`;
    this.port = freePort();
    this.httpPort = freePort();
    this.#settings = {
      ...person(folder, ""),
      QIGHT_CFG__HTTP__LISTEN: `127.0.0.1:${this.httpPort}`,
      // The senders here are one machine's worth of load behind a few identities.
      QIGHT_CFG__LIMITS__SEND_PER_MINUTE: "0",
      QIGHT_CFG__LIMITS__NEW_ACCOUNTS_PER_IP_PER_DAY: "0",
      QIGHT_CFG__STORAGE__MAX_QUEUE: "5000000",
      QIGHT_CFG__STORAGE__MAX_QUEUE_BYTES: "8GiB",
      ...settings,
    };
    delete this.#settings.QIGHT_RELAY;
  }

  /** `qight://ROOT@127.0.0.1:port`, known after the first start. */
  get address(): string {
    return this.#address;
  }

  /** Process id; throws when it does not run. */
  get pid(): number {
    if (!this.#child) throw new QightError("invariant", "The relay does not run");
    return this.#child.pid;
  }

  /**
   * Starts it and answers after how many milliseconds /readyz said yes.
   * @param under a command line that becomes the relay itself, such as `strace -D …`
   */
  async start(under: readonly string[] = []): Promise<number> {
    const started = performance.now();
    const flags = ["--listen", `127.0.0.1:${this.port}`, "--data-dir", this.dataDir];
    const own = this.#entry ? script(this.#entry.path, ...this.#entry.args, ...flags) : qight("relay", ...flags);
    const [command, ...args] = [...under, Deno.execPath(), ...own];
    const child = new Deno.Command(command, {
      args,
      env: this.#settings,
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    const log = Deno.openSync(this.#log, { create: true, append: true });
    const logged = this.#logged = child.stderr.pipeTo(log.writable).catch((error) =>
      console.error(`relay log: ${error}`)
    );
    const lines = new LineReader(child.stdout);
    this.#address = await this.#firstAddress(lines, logged);
    lines.discard();
    await this.#ready(child);
    return performance.now() - started;
  }

  /** SIGKILL, and waits until the process is gone; throws when it had ended by itself, so that nothing was struck. */
  async kill(): Promise<void> {
    const status = await this.#end("SIGKILL");
    if (status !== null && status.signal !== "SIGKILL") {
      throw new QightError("invariant", `The relay ended by itself (${status.code}): ${this.lastWords()}`);
    }
  }

  /** SIGTERM: the relay drains; answers its exit code. */
  async stop(): Promise<number> {
    return (await this.#end("SIGTERM"))?.code ?? 0;
  }

  /** Its exit code when it ends by itself within so many milliseconds, else null. */
  async endedWithin(ms: number): Promise<number | null> {
    const child = this.#child;
    if (!child) return null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => timer = setTimeout(() => resolve(null), ms));
    const code = await Promise.race([child.status.then((status) => status.code), late]);
    clearTimeout(timer);
    if (code === null) return null;
    this.#child = null;
    await this.#logged;
    return code;
  }

  /** Messages that it stores now, as its metrics say. */
  async holds(): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.httpPort}/metrics`);
    const stored = /^qight_messages_stored (\d+)$/m.exec(await answer.text());
    if (!stored) throw new QightError("internal", "The relay's metrics do not say how much it stores");
    return Number(stored[1]);
  }

  /** The last lines of its log, for complaints. */
  lastWords(): string {
    return Deno.readTextFileSync(this.#log).trimEnd().split("\n").slice(-5).join(" | ");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end("SIGKILL");
  }

  async #end(signal: Deno.Signal): Promise<Deno.CommandStatus | null> {
    const child = this.#child;
    if (!child) return null;
    this.#child = null;
    end(child, signal);
    return await child.status;
  }

  async #firstAddress(lines: LineReader, logged: Promise<void>): Promise<string> {
    for (let line = await lines.next(); line !== null; line = await lines.next()) {
      const address = /qight:\/\/\S+/.exec(line);
      if (address) return address[0];
    }
    await logged;
    throw new QightError("internal", `The relay ended before it printed its address: ${this.lastWords()}`);
  }

  async #ready(child: Deno.ChildProcess): Promise<void> {
    let over = false;
    child.status.then(() => over = true);
    for (;;) {
      try {
        const answer = await fetch(`http://127.0.0.1:${this.httpPort}/readyz`);
        await answer.body?.cancel();
        if (answer.status === 200) return;
      } catch (error) {
        if (over) throw new QightError("internal", `The relay ended: ${this.lastWords()}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
