/**
 * Real processes whose wall clock is wrong, by the Debian package `faketime`; their monotonic clock is left alone.
 * @module
 */
import { works } from "../processes.ts";
const LIBRARIES = ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`);

/** Why clocks cannot be faked here, after trying to install the package on Debian as root; null when they can. */
export async function missingFaketime(): Promise<string | null> {
  if (library() !== undefined) return null;
  if (Deno.uid() !== 0) return "faketime is not installed, and only root can install it";
  if (!await works("apt-get", "--version")) return "faketime is not installed, and there is no apt-get here";
  await works("apt-get", "update", "-qq");
  await works("apt-get", "install", "-y", "-qq", "--no-install-recommends", "faketime");
  return library() === undefined ? "faketime is not installed, and apt-get could not install it" : null;
}

/** A wall clock that processes started with `env` go by, and that can be set while they run. */
export class FakeClock {
  readonly #file: string;

  /** @param file is made; it holds the offset */
  constructor(file: string) {
    this.#file = file;
    this.set(0);
  }

  /** For the process: nothing but its wall clock changes. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: library() ?? "",
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
  }

  /** Sets the clock this many milliseconds off the true time, at once. */
  set(skewMs: number): void {
    // In one step: a process that reads half a file would be somewhere else in time.
    Deno.writeTextFileSync(`${this.#file}.new`, `${skewMs < 0 ? "-" : "+"}${Math.abs(skewMs) / 1000}\n`);
    Deno.renameSync(`${this.#file}.new`, this.#file);
  }
}

function library(): string | undefined {
  return LIBRARIES.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
}
