/**
 * Starts relays and clients as a user would, as processes of their own, and ends them by their pid.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import { denoDir } from "../helpers/deno_dir.ts";

const project = new URL("../../", import.meta.url).pathname;

/** The command line that runs `qight` from source. */
export function qight(...args: string[]): string[] {
  return [
    "run",
    "-qA",
    "--node-modules-dir=manual",
    "--config",
    `${project}deno.json`,
    `${project}cli/main.ts`,
    ...args,
  ];
}

/** The command line that runs a script of the project as a process of its own. */
export function script(path: string, ...args: string[]): string[] {
  return ["run", "--quiet", "-A", "--unstable-net", "--config", `${project}deno.json`, `${project}${path}`, ...args];
}

/** A folder that is gone when its owner is done. */
export class Folder implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "qight-" });

  /** A folder inside it, made when absent. */
  inside(name: string): string {
    Deno.mkdirSync(`${this.path}/${name}`, { recursive: true, mode: 0o700 });
    return `${this.path}/${name}`;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Environment of one person: folders of their own, nothing of this machine's configuration. */
export function person(folder: string, relay: string): Record<string, string> {
  const clean = Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => !/^(QIGHT_|XDG_|CREDENTIALS_|NOTIFY_)/.test(name)),
  );
  return {
    ...clean,
    XDG_CONFIG_HOME: `${folder}/config`,
    XDG_DATA_HOME: `${folder}/data`,
    XDG_STATE_HOME: `${folder}/state`,
    XDG_CACHE_HOME: `${folder}/cache`,
    DENO_DIR: denoDir(),
    XDG_RUNTIME_DIR: folder,
    NO_COLOR: "1",
    QIGHT_RELAY: relay,
  };
}

/** A port that is free over UDP and TCP now. */
export function freePort(): number {
  for (;;) {
    using udp = new Opened(Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 }));
    const port = (udp.opened.addr as Deno.NetAddr).port;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

class Opened<T extends { close(): void }> implements Disposable {
  constructor(readonly opened: T) {}
  [Symbol.dispose](): void {
    this.opened.close();
  }
}

/** What a finished command said. */
export interface Said {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end; `killAfterMs` sends SIGKILL to exactly this process then. */
export async function run(
  args: string[],
  options: { env: Record<string, string>; stdin?: string; killAfterMs?: number; command?: string },
): Promise<Said> {
  const child = new Deno.Command(options.command ?? Deno.execPath(), {
    args,
    env: options.env,
    clearEnv: true,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = options.killAfterMs === undefined
    ? undefined
    : setTimeout(() => end(child, "SIGKILL"), options.killAfterMs);
  // Reading starts before writing: a child whose output nobody takes stops taking its input.
  const ended = child.output();
  if (options.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.stdin));
    await writer.close();
  }
  const output = await ended;
  clearTimeout(timer);
  const text = new TextDecoder();
  return {
    code: output.code,
    signal: output.signal,
    stdout: text.decode(output.stdout),
    stderr: text.decode(output.stderr),
  };
}

/** Like `run`, and throws what the command said on standard error when it failed. */
export async function must(args: string[], options: { env: Record<string, string>; stdin?: string }): Promise<string> {
  const said = await run(args, options);
  if (said.code !== 0) {
    throw new QightError("internal", `${args.slice(6).join(" ")} ended with ${said.code}: ${said.stderr}`);
  }
  return said.stdout.trim();
}

/** Sends a signal to one process; one that has ended by itself is left alone. */
export function end(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound || error instanceof TypeError;
    if (!gone) throw error;
  }
}

/** Whether a program is installed and ends well with these arguments. */
export async function works(command: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
