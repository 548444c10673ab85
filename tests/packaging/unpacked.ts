/** Runs the self-extracting file as a user would: with a home of its own and nothing else in the environment. @module */
import { join } from "node:path";

/** What a run left behind. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A user with an empty home; disposing removes it. */
export class Home implements AsyncDisposable {
  readonly folder: string;
  readonly program: string;

  constructor(program: string) {
    this.program = program;
    this.folder = Deno.makeTempDirSync({ prefix: "qight-home-" });
  }

  /** A path in the home. */
  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Runs the file to its end; `within` are words before it, for example `unshare --mount sh -c …`. */
  async run(
    args: readonly string[],
    options: { env?: Record<string, string>; stdin?: string; program?: string; within?: readonly string[] } = {},
  ): Promise<Ran> {
    const [program, ...before] = [...options.within ?? [], options.program ?? this.program];
    const child = new Deno.Command(program, {
      args: [...before, ...args],
      clearEnv: true,
      env: this.environment(options.env),
      cwd: this.folder,
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (options.stdin !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(options.stdin));
      await writer.close();
    }
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** What the file finds in its environment: one place for its cache, so that no other one of this machine is used. */
  environment(more: Record<string, string> = {}): Record<string, string> {
    const cache = { QIGHT_CACHE_DIR: this.path(".cache") };
    return { PATH: "/bin:/usr/bin", HOME: this.folder, TMPDIR: this.folder, ...cache, ...more };
  }

  /** Names in the cache. */
  async cached(folder = this.path(".cache", "qight")): Promise<string[]> {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
