/** A relay that runs as a service would: its lines, what it tells systemd, and its end. @module */
import { linesOf } from "../commands/harness.ts";

/** A process with its output as lines. */
export interface ServiceProcess {
  readonly pid: number;
  /** The next line of stdout; null at its end. */
  line(): Promise<string | null>;
  stderr(): string;
  /** SIGTERM; the exit code. */
  stop(): Promise<number>;
  /** What is still to come on stdout, once the process has ended. */
  rest(): Promise<string[]>;
}

/** Starts it. */
export function startService(command: Deno.Command): ServiceProcess {
  const child = command.spawn();
  const lines = linesOf(child.stdout);
  let stderr = "";
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) stderr += text;
  })();
  return {
    pid: child.pid,
    stderr: () => stderr,
    async line() {
      const { done, value } = await lines.next();
      return done ? null : value;
    },
    async stop() {
      child.kill("SIGTERM");
      const { code } = await child.status;
      await reading;
      return code;
    },
    rest: () => Array.fromAsync(lines),
  };
}
