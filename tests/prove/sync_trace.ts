/**
 * Reads what strace saw of a relay's writes and syncs, and compares it with the acks that a client got.
 * @module
 */

/** One finished call on one file; times are wall clock in milliseconds. */
export interface Traced {
  readonly kind: "write" | "sync";
  readonly path: string;
  readonly startMs: number;
  readonly endMs: number;
  /** As strace measured it. Not endMs - startMs: doubles of this size are 0.0002 ms apart, and 50 ms became 49.9998. */
  readonly tookMs: number;
  /** strace held it up, and says so. */
  readonly delayed: boolean;
}

/** One message as its sender saw it; times are wall clock in milliseconds. */
export interface Acknowledged {
  readonly text: string;
  readonly sentMs: number;
  readonly ackMs: number;
}

/** What the comparison found. */
export interface SyncVerdict {
  readonly acknowledged: number;
  readonly syncs: number;
  readonly fastestAckMs: number;
  readonly fastestSyncMs: number;
  readonly complaints: string[];
}

/**
 * Finished writes and syncs of `strace -f -ttt -T -y -e trace=fsync,fdatasync,pwrite64`, in order of their start.
 *
 * A line is `PID 1795265658.181418 fsync(22</dir/relay.db-wal>) = 0 (DELAYED) <0.051125>`; a call that another thread
 * interrupted is cut into `… <unfinished ...>` and `<... fsync resumed>) = 0 <0.05>`.
 */
export function readTrace(text: string): Traced[] {
  const traced: Traced[] = [];
  const unfinished = new Map<string, { call: string; path: string; startMs: number }>();
  for (const line of text.split("\n")) {
    const resumed = /^(\d+) +([\d.]+) <\.\.\. \w+ resumed>.*\) += (-?\d+).*<([\d.]+)>$/.exec(line);
    if (resumed) {
      const begun = unfinished.get(resumed[1]);
      unfinished.delete(resumed[1]);
      if (begun && Number(resumed[3]) >= 0) add(begun.call, begun.path, begun.startMs, Number(resumed[4]), line);
      continue;
    }
    const begun = /^(\d+) +([\d.]+) (\w+)\(\d+<([^>]*)>(.*)$/.exec(line);
    if (!begun) continue;
    const [, pid, start, call, path, rest] = begun;
    if (rest.endsWith("<unfinished ...>")) {
      unfinished.set(pid, { call, path, startMs: Number(start) * 1000 });
      continue;
    }
    const ended = /\) += (-?\d+).*<([\d.]+)>$/.exec(rest);
    if (ended && Number(ended[1]) >= 0) add(call, path, Number(start) * 1000, Number(ended[2]), line);
  }
  return traced.sort((a, b) => a.startMs - b.startMs);

  function add(call: string, path: string, startMs: number, seconds: number, end: string): void {
    const [kind, tookMs] = [call === "pwrite64" ? "write" : "sync", seconds * 1000] as const;
    traced.push({ kind, path, startMs, endMs: startMs + tookMs, tookMs, delayed: end.includes(" (DELAYED) <") });
  }
}

/**
 * Every ack must follow the end of a sync that began after the message's last write to the log.
 * One message is in flight at a time, so the writes between its sending and its ack are its own.
 */
export function checkSyncs(
  trace: readonly Traced[],
  acks: readonly Acknowledged[],
  logPath: string,
  delayMs: number,
): SyncVerdict {
  const ofLog = trace.filter((call) => call.path === logPath);
  const writes = ofLog.filter((call) => call.kind === "write");
  const syncs = ofLog.filter((call) => call.kind === "sync");
  const complaints: string[] = [];
  for (const { text, sentMs, ackMs } of acks) {
    if (ackMs - sentMs < delayMs) complaints.push(`${text}: acknowledged after ${(ackMs - sentMs).toFixed(1)} ms`);
    const lastWrite = writes.findLast((write) => write.startMs >= sentMs && write.startMs <= ackMs);
    if (!lastWrite) complaints.push(`${text}: acknowledged without a write to the log`);
    else if (!syncs.some((sync) => sync.startMs >= lastWrite.endMs && sync.endMs <= ackMs)) {
      complaints.push(`${text}: acknowledged before its write was synced`);
    }
  }
  const fastest = (values: number[]) => values.reduce((least, value) => Math.min(least, value), Infinity);
  const fastestSyncMs = fastest(syncs.map((sync) => sync.tookMs));
  if (acks.length === 0) complaints.push("no message was acknowledged");
  // By strace's word, not by the time it measured: it lets the delay begin, writes its line, and only then looks at the
  // clock. With a slow reader of its lines it says 0.5 ms of a wait that the process itself saw last 50; here it was 46.9.
  const inTime = syncs.filter(({ delayed }) => !delayed);
  if (inTime.length > 0) complaints.push(`${inTime.length} syncs were not held up: the delay was not injected`);
  return {
    acknowledged: acks.length,
    syncs: syncs.length,
    fastestAckMs: fastest(acks.map((ack) => ack.ackMs - ack.sentMs)),
    fastestSyncMs,
    complaints,
  };
}
