/** Machines of people, whose commands run in this process as they do in their own: from arguments to files and words. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { lateModule } from "../../cli/late_module.ts";
import { parseArguments } from "../../cli/options.ts";
import { Output } from "../../cli/output.ts";
import type { Env } from "../../cli/paths.ts";
import { settle } from "../../cli/settings.ts";
import type { Call } from "../../cli/tree/spec.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import { type Cut, within, worded } from "./cut.ts";

/** What a command left behind. */
export interface Outcome {
  /** Null when it ended with 0. */
  readonly error: QightError | null;
  readonly stdout: readonly string[];
  readonly stderr: string;
}

/** A command under way. */
export interface Started {
  /** A line of its stdout, counted from 0; null when it ended before. */
  line(at: number): Promise<string | null>;
  readonly ended: Promise<Outcome>;
  /** As ^C does. */
  interrupt(): void;
}

/** One home folder at one relay; each command opens and closes all that it needs. */
export class Machine {
  constructor(readonly name: string, readonly home: string, readonly relay: string) {
    Deno.mkdirSync(home, { recursive: true });
  }

  /** Where its key file is. */
  get keyFile(): string {
    return join(this.home, "data", "qight", "identity.key");
  }

  /** Writes a file into its home and answers the path. */
  file(name: string, text: string): string {
    const path = join(this.home, name);
    Deno.writeTextFileSync(path, text, { mode: 0o600 });
    return path;
  }

  readonly env: Env = (name) => {
    const folder = { XDG_CONFIG_HOME: "config", XDG_DATA_HOME: "data", XDG_STATE_HOME: "state", HOME: "" }[name];
    if (folder !== undefined) return join(this.home, folder);
    return { QIGHT_RELAY: this.relay, QIGHT_TIMEOUT: "120s" }[name];
  };

  /** Begins a command; `cut` may end it between any two things that it does. */
  start(args: readonly string[], cut?: Cut): Started {
    const said = new Said();
    const controller = new AbortController();
    const ended = (async (): Promise<Outcome> => {
      try {
        await within(cut, () => this.#run(args, said, controller.signal));
        return said.outcome(null);
      } catch (thrown) {
        return said.outcome(asQightError(thrown));
      } finally {
        said.end();
      }
    })();
    return {
      ended,
      line: (at) => said.line(at),
      interrupt: () => controller.abort(new QightError("interrupted")),
    };
  }

  /** Runs a command to its end. */
  run(args: readonly string[], cut?: Cut): Promise<Outcome> {
    return this.start(args, cut).ended;
  }

  /** Runs a command that must succeed; its stdout. */
  async ok(args: readonly string[]): Promise<readonly string[]> {
    const { error, stdout, stderr } = await this.run(args);
    if (error) {
      assert.fail(
        new Error(`${this.name}: qight ${args.join(" ")}: ${error.code}: ${error.message}\n${stderr}`, {
          cause: error,
        }),
      );
    }
    return stdout;
  }

  async #run(args: readonly string[], said: Said, signal: AbortSignal): Promise<void> {
    const { spec, options, flags, args: rest } = parseArguments(args);
    const settings = await settle(flags, this.env, spec.config ?? "read");
    const module = await lateModule<{ run(call: Call): Promise<void> }>(`commands/${spec.module!}.ts`);
    const call = { args: rest, options, settings, out: new Output(settings, said.stdout, said.stderr), signal };
    await module.run(call);
  }
}

/** What a command has said so far. */
class Said {
  readonly #decoder = new TextDecoder();
  readonly #lines: string[] = [];
  #rest = "";
  #errors = "";
  #over = false;
  #waiting: (() => void)[] = [];

  readonly stdout = {
    write: (bytes: Uint8Array) => worded(() => Promise.resolve(this.#take(bytes))),
    writeSync: (bytes: Uint8Array) => this.#take(bytes),
    isTerminal: () => false,
  };
  readonly stderr = {
    write: (bytes: Uint8Array) => Promise.resolve(this.#warn(bytes)),
    writeSync: (bytes: Uint8Array) => this.#warn(bytes),
    isTerminal: () => false,
  };

  outcome(error: QightError | null): Outcome {
    return { error, stdout: [...this.#lines, ...this.#rest === "" ? [] : [this.#rest]], stderr: this.#errors };
  }

  async line(at: number): Promise<string | null> {
    while (this.#lines.length <= at && !this.#over) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#lines[at] ?? null;
  }

  end(): void {
    this.#over = true;
    this.#wake();
  }

  #take(bytes: Uint8Array): number {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop()!;
    this.#lines.push(...lines);
    this.#wake();
    return bytes.length;
  }

  #warn(bytes: Uint8Array): number {
    this.#errors += new TextDecoder().decode(bytes);
    return bytes.length;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
