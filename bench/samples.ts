/**
 * Sorts the samples that perf(1) took of a relay by thread and job. V8 names its code in /tmp/perf-PID.map when asked to.
 * @module
 */
import { QightError } from "../proto/errors.ts";

/** What a sample was about: the first that fits its thread, or its symbol and object, counts. */
const jobs: readonly { readonly job: string; readonly thread?: RegExp; readonly symbol?: RegExp }[] = [
  { job: "verification: Deno's thread pool", thread: /tokio/ },
  { job: "storage: the writer's thread, SQLite and its syncs", thread: /^worker-/ },
  { job: "V8's helpers: garbage collection, compiling", thread: /V8|v8:/ },
  { job: "kernel: UDP in and out, wake-ups, memory", symbol: /\[kernel|\[k\]|\.ko\b/ },
  { job: "verification and hash: the calls", symbol: /crypto\/|ext:deno_crypto|internal\/crypto|[Hh]ash/ },
  { job: "protobuf", symbol: /@bufbuild|proto\/gen|lone_field/ },
  { job: "framing", symbol: /proto\/frame|request_reader|reply_writer/ },
  { job: "storage: the hand-over", symbol: /relay\/storage|message_port|postMessage/ },
  { job: "streams of QUIC: JavaScript", symbol: /main\/net\/|quic|06_streams|[Ss]tream/ },
  { job: "limits, dispatch, acknowledgement", symbol: /\/relay\// },
  { job: "promises and other built-in code of V8", symbol: /Builtin:|BytecodeHandler|JS:|Stub/ },
  { job: "native: QUIC, TLS, event loop, V8 itself", symbol: /deno|libc|libm|vdso|unknown/ },
];

/** Shares of all samples by job, largest first; they add up to 1. */
export async function jobShares(recording: string): Promise<[job: string, share: number][]> {
  const { stdout, stderr, success } = await new Deno.Command("perf", {
    args: ["script", "-i", recording, "-F", "comm,ip,sym,dso"],
    stderr: "piped",
  }).output();
  if (!success) throw new QightError("internal", `perf script: ${new TextDecoder().decode(stderr)}`);
  const counts = new Map<string, number>();
  let all = 0;
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    // "deno  7f3c… JS:*send file:///… (/tmp/perf-77.map)"; a thread's name may have spaces.
    const found = /^\s*(.+?)\s+[0-9a-f]+ (.*)$/.exec(line);
    if (!found) continue;
    const [, thread, symbol] = found;
    const job = jobs.find((each) => each.thread?.test(thread) ?? each.symbol!.test(symbol))?.job ?? "other";
    counts.set(job, (counts.get(job) ?? 0) + 1);
    all++;
  }
  return [...counts].map(([job, count]): [string, number] => [job, count / all]).sort(([, a], [, b]) => b - a);
}
