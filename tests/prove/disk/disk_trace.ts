/**
 * Reads what strace saw of a process's calls on files, with all bytes that were written.
 * @module
 */
import { QightError } from "../../../proto/errors.ts";

/** Arguments of strace that make the trace that `readDiskTrace` reads. */
export const diskTraceArguments = (log: string): string[] => [
  ...["-ttt", "-T", "-y", "-xx", "-s", "2000000", "-o", log, "-e"],
  "trace=pwrite64,write,fsync,fdatasync,ftruncate,openat,unlink,unlinkat,rename,renameat,renameat2,link,linkat,mkdir",
];

/** One finished call; times are wall clock in microseconds. */
export interface DiskCall {
  readonly call: "write" | "sync" | "truncate" | "open" | "unlink" | "rename" | "link" | "mkdir";
  readonly path: string;
  /** The new name of a rename or link. */
  readonly to?: string;
  readonly startUs: number;
  readonly endUs: number;
  /** Where a write begins; absent when it goes on where the last one ended. */
  readonly offset?: number;
  /** What was written; what a short write left out is cut off. */
  readonly data?: Uint8Array;
  /** The length that a truncate asks for. */
  readonly length?: number;
  /** Flags of an open. */
  readonly flags?: string;
}

const kinds: Record<string, DiskCall["call"]> = {
  pwrite64: "write",
  write: "write",
  fsync: "sync",
  fdatasync: "sync",
  ftruncate: "truncate",
  openat: "open",
  unlink: "unlink",
  unlinkat: "unlink",
  rename: "rename",
  renameat: "rename",
  renameat2: "rename",
  link: "link",
  linkat: "link",
  mkdir: "mkdir",
};

/** A call as its line begins; the rest may come later. */
interface Begun {
  readonly name: string;
  readonly startUs: number;
  readonly args: Uint8Array;
}

const latin = new TextDecoder("latin1");
const newline = 10, quote = 34, open = 40;

/**
 * Successful calls on paths that `wanted` names, in order of their start.
 *
 * A line is `PID SECONDS.MICROS pwrite64(22<\x2f…>, "\x37…", 4096, 0) = 4096 <0.000021>`, every string in hex; a call that
 * another thread interrupted is cut into `… <unfinished ...>` and `PID … <... fsync resumed>) = 0 <0.05>`.
 */
export function readDiskTrace(bytes: Uint8Array, wanted: (path: string) => boolean): DiskCall[] {
  const calls: DiskCall[] = [];
  const begun = new Map<string, Begun>();
  for (let at = 0, end = 0; at < bytes.length; at = end + 1) {
    end = bytes.indexOf(newline, at);
    if (end < 0) end = bytes.length;
    const line = bytes.subarray(at, end);
    const head = /^(\d+) +(\d+)\.(\d{6}) (<\.\.\. )?(\w+)/.exec(latin.decode(line.subarray(0, 80)));
    if (!head) continue;
    const [, pid, seconds, micros, resumed, name] = head;
    const tail = latin.decode(line.subarray(Math.max(0, line.length - 2_000)));
    let call = begun.get(pid);
    if (resumed) begun.delete(pid);
    else {
      const from = line.indexOf(open);
      if (from < 0 || !(name in kinds)) continue;
      call = { name, startUs: Number(seconds + micros), args: line.subarray(from + 1) };
      if (tail.endsWith("<unfinished ...>")) {
        begun.set(pid, call);
        continue;
      }
    }
    const ended = /\) += (-?\d+)[^=]*<(\d+)\.(\d{6})>$/.exec(tail);
    if (!call || !ended || Number(ended[1]) < 0) continue;
    const read = readCall(call, Number(ended[1]), Number(ended[2] + ended[3]), latin.decode(line.subarray(0, 300)));
    if (wanted(read.path) || (read.to !== undefined && wanted(read.to))) calls.push(withData(read, call));
  }
  return calls.sort((a, b) => a.startUs - b.startUs);
}

interface Unread extends Omit<DiskCall, "data"> {
  readonly written: number;
}

function readCall({ name, startUs, args }: Begun, result: number, tookUs: number, line: string): Unread {
  const call = kinds[name];
  const base = { call, startUs, endUs: startUs + tookUs, written: result };
  if (call === "write" || call === "sync" || call === "truncate") {
    const path = fromHex(/<([^>]*)>/.exec(latin.decode(args.subarray(0, 4096)))?.[1] ?? "");
    if (call === "sync") return { ...base, path };
    const rest = latin.decode(args.subarray(Math.max(0, args.length - 200)));
    if (call === "truncate") {
      return { ...base, path, length: Number(/, (\d+)/.exec(rest)?.[1] ?? line.match(/, (\d+)/)?.[1]) };
    }
    const offset = /", \d+, (\d+)/.exec(rest);
    return { ...base, path, ...(offset ? { offset: Number(offset[1]) } : {}) };
  }
  const text = latin.decode(args.subarray(0, 16_384));
  const names = [...text.matchAll(/(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"/g)].map(([, folder, path]) =>
    absolute(fromHex(folder ?? ""), fromHex(path))
  );
  if (names.length === 0) throw new QightError("internal", `strace wrote a ${name} without a path`);
  if (call === "open") return { ...base, path: names[0], flags: /", ([A-Z_|0-9a-z]+)/.exec(text)?.[1] ?? "" };
  return { ...base, path: names[0], ...(names.length > 1 ? { to: names[1] } : {}) };
}

function withData(unread: Unread, { args }: Begun): DiskCall {
  const { written, ...call } = unread;
  if (call.call !== "write") return call;
  const from = args.indexOf(quote) + 1;
  const data = new Uint8Array(written);
  // \xHH for each byte
  for (let i = 0, at = from + 2; i < written; i++, at += 4) data[i] = digit(args[at]) << 4 | digit(args[at + 1]);
  return { ...call, data };
}

function digit(code: number): number {
  return code <= 57 ? code - 48 : code - 87;
}

function fromHex(text: string): string {
  const bytes = [...text.matchAll(/\\x([0-9a-f]{2})/g)].map(([, pair]) => parseInt(pair, 16));
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

function absolute(folder: string, path: string): string {
  return path.startsWith("/") ? path : `${folder}/${path}`;
}
