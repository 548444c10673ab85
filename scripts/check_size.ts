/**
 * Keeps the size of the one file, its start times and the number of packages by commit (bench/size.jsonl), and refuses
 * growth above 3 % that nobody has explained: `deno run -A scripts/check_size.ts --save "why it grew"`.
 * @module
 */
import { join } from "node:path";
import { sourceCommit } from "./build/commit.ts";
import { forgetDebian } from "./build/debian_input.ts";
import { oneFile } from "./build/onefile.ts";
import { makeBundle, makeTree, openInputs, projectRoot } from "./build/tree.ts";

/** One line of the record. Bytes, milliseconds, and a count. */
export interface SizeLine {
  readonly commit: string | null;
  readonly date: string;
  readonly file_bytes: number;
  readonly javascript_bytes: number;
  readonly packages: number;
  readonly first_start_ms: number;
  readonly warm_start_ms: number;
  /** The same bundle with the Deno that runs this, for comparison. */
  readonly deno_run_ms: number;
  readonly why: string;
}

/** What may grow by 3 % unexplained. Times are kept and not judged: other work on the machine moves them more. */
const JUDGED = ["file_bytes", "packages"] as const;
const MOST = 1.03;
const WARM_RUNS = 7;

/** What grew too much since the last line, one sentence each. */
export function growth(before: SizeLine | undefined, now: Pick<SizeLine, typeof JUDGED[number]>): string[] {
  if (before === undefined) return [];
  return JUDGED.filter((name) => now[name] > before[name] * MOST).map((name) =>
    `${name} grew from ${before[name]} to ${now[name]} (${((now[name] / before[name] - 1) * 100).toFixed(1)} %)`
  );
}

if (import.meta.main) {
  const record = join(projectRoot, "bench/size.jsonl");
  const lines = await readRecord(record);
  const [flag, why] = Deno.args;
  const now = await measure(why ?? "");
  console.log(JSON.stringify(now));
  const problems = growth(lines.at(-1), now);
  if (flag === "--save") {
    if (problems.length > 0 && !why) throw new Error('Say why it grew: --save "…"');
    await Deno.writeTextFile(record, `${JSON.stringify(now)}\n`, { append: true });
  } else if (problems.length > 0) {
    for (const problem of problems) console.error(problem);
    console.error('If that is meant: deno run -A scripts/check_size.ts --save "why it grew"');
    Deno.exit(1);
  }
}

async function measure(why: string): Promise<SizeLine> {
  const inputs = await openInputs();
  const folder = await Deno.makeTempDir({ prefix: "qight-size-" });
  try {
    const commit = await sourceCommit(projectRoot);
    const bundle = await makeBundle({ inputs, commit });
    const tree = await makeTree("linux-x64", { inputs, bundle });
    const bytes = await oneFile(tree, await Deno.readTextFile(join(projectRoot, "packaging/onefile/header.sh")));
    const program = join(folder, "qight");
    await Deno.writeFile(program, bytes, { mode: 0o755 });
    for (const [name, code] of bundle.files) await Deno.writeFile(join(folder, name), code);
    const env = {
      PATH: "/bin:/usr/bin",
      HOME: folder,
      QIGHT_CACHE_DIR: join(folder, "cache"),
      DENO_DIR: join(folder, "deno"),
    };
    const flags = ["-A", "--unstable-net", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-prompt"];
    const here = Deno.build.os === "linux" && Deno.build.arch === "x86_64";
    const first = here ? await millis(program, ["version"], env) : 0;
    const warm = here ? await median(program, ["version"], env) : 0;
    return {
      commit,
      date: new Date().toISOString(),
      file_bytes: bytes.length,
      javascript_bytes: [...bundle.files.values()].reduce((sum, file) => sum + file.length, 0),
      packages: bundle.packages.length,
      first_start_ms: first,
      warm_start_ms: warm,
      deno_run_ms: await median(Deno.execPath(), ["run", ...flags, join(folder, "main.js"), "version"], env),
      why,
    };
  } finally {
    await forgetDebian();
    await Deno.remove(folder, { recursive: true });
  }
}

async function median(program: string, args: string[], env: Record<string, string>): Promise<number> {
  await millis(program, args, env);
  const times: number[] = [];
  for (let run = 0; run < WARM_RUNS; run++) times.push(await millis(program, args, env));
  return times.sort((a, b) => a - b)[WARM_RUNS >> 1];
}

async function millis(program: string, args: string[], env: Record<string, string>): Promise<number> {
  const before = performance.now();
  const { code, stderr } = await new Deno.Command(program, { args, env, clearEnv: true, stdin: "null", stdout: "null" })
    .output();
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${new TextDecoder().decode(stderr)}`);
  return Math.round((performance.now() - before) * 10) / 10;
}

async function readRecord(path: string): Promise<SizeLine[]> {
  try {
    return (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) => JSON.parse(line));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
