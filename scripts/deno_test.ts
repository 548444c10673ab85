/**
 * Runs `deno test` with its output streamed, and counts what passed and failed from its closing line.
 * @module
 */

/** What a run of tests came to. */
export interface Counts {
  passed: number;
  failed: number;
  ignored: number;
}

/**
 * Runs `deno test` with these arguments and hands its output to `write` as it comes; a run that fails without a counted failure (a module that does not load, a
 * crash, the deadline) counts as one.
 */
export async function denoTest(
  args: readonly string[],
  deadlineMs: number,
  write: (chunk: Uint8Array) => Promise<void> = toStdout,
): Promise<Counts> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", ...args],
    env: { NO_COLOR: "1", DENO_JOBS: "2" }, // files at a time with --parallel
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const timer = setTimeout(() => {
    console.error(`deno test ${args.join(" ")}: the time ran out`);
    child.kill("SIGKILL");
  }, Math.max(deadlineMs - Date.now(), 1));
  const lines = createTail();
  for await (const chunk of child.stdout) {
    await write(chunk);
    lines.add(chunk);
  }
  const { code } = await child.status;
  clearTimeout(timer);
  return settle(lines.counts(), code);
}

/** Reads deno's closing line, for example `ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)`; null for others. */
export function readSummary(line: string): Counts | null {
  const found = /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(.*)$/.exec(
    line,
  );
  if (!found) return null;
  const ignored = /\| (\d+) ignored/.exec(found[3]);
  return { passed: Number(found[1]), failed: Number(found[2]), ignored: ignored ? Number(ignored[1]) : 0 };
}

/** The counts of a run, given its summary (if it got that far) and its exit code. */
export function settle(summary: Counts | null, code: number): Counts {
  const counts = summary ?? { passed: 0, failed: 0, ignored: 0 };
  if (counts.failed > 0 || (code === 0 && summary)) return counts;
  return { ...counts, failed: 1 };
}

function createTail() {
  const decoder = new TextDecoder();
  let rest = "";
  let last: Counts | null = null;
  const take = (line: string) => last = readSummary(line) ?? last;
  return {
    add(chunk: Uint8Array) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      parts.forEach(take);
    },
    counts(): Counts | null {
      take(rest);
      return last;
    },
  };
}

/** Writes all bytes to standard output. */
export async function toStdout(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}
