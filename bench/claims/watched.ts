/**
 * What the system says about a process from outside: processor time, memory, syncs.
 * @module
 */
import { Attached, missingStrace } from "../../tests/prove/strace.ts";
import { readTrace } from "../../tests/prove/sync_trace.ts";

/** Clock ticks of /proc/PID/stat a second: 100 on every Linux that Deno runs on. */
const TICKS = 100;

/** Processor seconds that a process has used, all threads. */
export function cpuSeconds(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS; // utime, stime: proc(5) fields 14 and 15
}

/** Resident memory of a process in KiB. */
export function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]);
}

/** Counts the syncs of a process by strace. */
export class Syncs {
  readonly #strace: Attached;
  readonly #log: string;

  private constructor(strace: Attached, log: string) {
    this.#strace = strace;
    this.#log = log;
  }

  /** Attaches to a process; null when there is no strace. */
  static async of(pid: number, folder: string): Promise<Syncs | null> {
    if (await missingStrace() !== null) return null;
    const log = `${folder}/syncs.log`;
    const trace = ["-ttt", "-T", "-y", "-s", "0", "-e", "trace=fsync,fdatasync", "-o", log];
    return new Syncs(await Attached.to(pid, ...trace), log);
  }

  /** How many syncs of one file succeeded; call it after the process has ended. */
  async counted(path: string): Promise<number> {
    await this.#strace.ended();
    return readTrace(Deno.readTextFileSync(this.#log)).filter((call) => call.path === path).length;
  }
}
