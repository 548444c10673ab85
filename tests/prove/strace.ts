/**
 * strace, as the rows that look into a process use it.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import { works } from "./processes.ts";

/** Why strace cannot be used here, after trying to install it on Debian as root; null when it can. */
export async function missingStrace(): Promise<string | null> {
  if (await works("strace", "-V")) return null;
  if (Deno.uid() !== 0) return "strace is not installed, and only root can install it";
  if (!await works("apt-get", "--version")) return "strace is not installed, and there is no apt-get here";
  await works("apt-get", "update", "-qq");
  if (await works("apt-get", "install", "-y", "-qq", "--no-install-recommends", "strace")) return null;
  return "strace is not installed, and apt-get could not install it";
}

/** strace on a running process; it ends by itself when the process does. */
export class Attached {
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
  }

  /** Attaches to all threads of `pid` and returns when strace says so. */
  static async to(pid: number, ...args: string[]): Promise<Attached> {
    const child = new Deno.Command("strace", {
      args: ["-f", "-p", String(pid), ...args],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const [first, rest] = child.stderr.tee();
    rest.pipeTo(new WritableStream()).catch((error) => console.error(`strace: ${error}`));
    const reader = first.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    while (!said.includes("attached")) {
      const { value, done } = await reader.read();
      if (done) throw new QightError("internal", `strace could not attach: ${said.trim()}`);
      said += value;
    }
    await reader.cancel();
    return new Attached(child);
  }

  /** Waits until strace has ended, which is after its process has. */
  async ended(): Promise<void> {
    await this.#child.status;
  }
}
