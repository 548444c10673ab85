/**
 * Keeps what a bench measured, by the commit that was measured: bench/history/DATE-COMMIT.jsonl.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import type { Figure } from "./figure.ts";

const folder = new URL("./history/", import.meta.url);

/** Writes the figures behind one line on machine and commit; answers the file's name. */
export function keep(figures: readonly Figure[]): string {
  const commit = git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "-uno") === "" ? "" : "-changed");
  const date = new Date().toISOString();
  const head = {
    commit,
    date,
    deno: Deno.version.deno,
    system: Deno.build.target,
    cores: navigator.hardwareConcurrency,
  };
  Deno.mkdirSync(folder, { recursive: true });
  const name = `${date.slice(0, 10)}-${commit}.jsonl`;
  const lines = [head, ...figures].map((line) => JSON.stringify(line) + "\n");
  Deno.writeTextFileSync(new URL(name, folder), lines.join(""));
  return `bench/history/${name}`;
}

function git(...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command("git", { args, cwd: new URL("../", import.meta.url) })
    .outputSync();
  const text = new TextDecoder();
  if (!success) throw new QightError("io", `git ${args[0]} failed: ${text.decode(stderr).trim()}`);
  return text.decode(stdout).trim();
}
