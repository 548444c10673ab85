/**
 * What was done to the relay and who was turned away: JSON lines, only ever appended, never who writes to whom.
 * @module
 */

import { pathError } from "./data_folder/folder.ts";

/** Facts of an event. Names that could pair a sender with a recipient do not exist here. */
export type AuditFields =
  & Readonly<Record<string, string | number | boolean | null | undefined>>
  & { readonly sender?: never; readonly recipient?: never; readonly from?: never; readonly to?: never };

/** An open audit log. */
export interface Audit extends AsyncDisposable {
  /** Notes an event with the present time; never throws, never waits. Trouble goes to `onError`. */
  record(event: string, fields?: AuditFields): void;
  /** Resolves when everything noted so far is on disk (or was given to `onError`). */
  flush(): Promise<void>;
}

/** How to keep the log. */
export interface AuditOptions {
  readonly now?: () => number;
  /** Called when lines could not be written; by default one line on standard error. */
  readonly onError?: (error: Error) => void;
  /** At this size in bytes the file becomes PATH.1 and a new one begins. */
  readonly rotateAt?: number;
}

// An attacker who is turned away a million times must fill neither memory nor disk.
const mostWaiting = 1000;
const longestValue = 200;

/** Opens or makes the log with mode 0600; throws `cannot_create` naming the path. */
export async function openAudit(path: string, options: AuditOptions = {}): Promise<Audit> {
  const { now = Date.now, onError = toStandardError, rotateAt = 16 * 1024 * 1024 } = options;
  const encoder = new TextEncoder();
  let file = await openForAppend(path);
  let size = (await file.stat()).size;
  let waiting: string[] = [];
  let dropped = 0;
  let writing: Promise<void> | null = null;

  const line = (event: string, fields: AuditFields) =>
    JSON.stringify({ time: new Date(now()).toISOString(), event, ...clipped(fields) }) + "\n";

  function record(event: string, fields: AuditFields = {}): void {
    if (waiting.length >= mostWaiting) {
      dropped++;
      return;
    }
    waiting.push(line(event, fields));
    writing ??= write();
  }

  async function write(): Promise<void> {
    await Promise.resolve(); // everything of this turn shares one sync
    while (waiting.length > 0) {
      const bytes = encoder.encode(waiting.join(""));
      waiting = [];
      if (dropped > 0) waiting.push(line("audit.dropped", { count: dropped }));
      dropped = 0;
      try {
        await append(bytes);
      } catch (thrown) {
        onError(pathError("io", "Cannot write the audit log", path, thrown));
      }
    }
    writing = null;
  }

  async function append(bytes: Uint8Array): Promise<void> {
    if (size > 0 && size + bytes.length > rotateAt) {
      await Deno.rename(path, `${path}.1`);
      file.close();
      file = await openForAppend(path);
      size = 0;
    }
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    size += bytes.length;
    await file.syncData();
  }

  const flush = async () => {
    while (writing) await writing;
  };
  return {
    record,
    flush,
    async [Symbol.asyncDispose]() {
      await flush();
      file.close();
    },
  };
}

async function openForAppend(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { append: true, create: true, mode: 0o600 });
  } catch (thrown) {
    throw pathError("cannot_create", "Cannot open the audit log", path, thrown);
  }
}

function clipped(fields: AuditFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => !["sender", "recipient", "from", "to", "time", "event"].includes(name))
      .map(([name, value]) => [name, typeof value === "string" ? value.slice(0, longestValue) : value]),
  );
}

function toStandardError(error: Error): void {
  console.error(error.message);
}
