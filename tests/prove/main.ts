/**
 * `deno task prove [--rounds N] [--seed N] [--only ROW]... [--night]`: one line per promise, proven with real processes.
 * @module
 */
import { parseArgs } from "node:util";
import { asQightError, QightError } from "../../proto/errors.ts";
import type { Finding, Row } from "./row.ts";
import { rows } from "./rows.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string" },
      seed: { type: "string" },
      only: { type: "string", multiple: true },
      night: { type: "boolean", default: false },
    },
  });
  const seed = count(values.seed, "--seed") ?? crypto.getRandomValues(new Uint32Array(1))[0];
  const rounds = count(values.rounds, "--rounds");
  const size = values.night ? "night" : "ci";
  // A row of 0 rounds is one for the night alone.
  const chosen = values.only ? values.only.map(named) : rows.filter((row) => (rounds ?? row.rounds[size]) > 0);
  const beside = (row: Row) => row.beside === "always" || (values.night && row.beside === "night");
  let passed = 0, failed = 0, skipped = 0;
  // One row after the other, and those that mostly wait beside them.
  await Promise.all([chosen.filter((row) => !beside(row)), chosen.filter(beside)].map(async (lane) => {
    for (const row of lane) {
      const started = performance.now();
      const finding = await attempt(row, seed, rounds ?? row.rounds[size]);
      const result = resultOf(finding);
      if (result === "ok") passed++;
      else if (result === "skip") skipped++;
      else failed++;
      tell(row, finding, seed, (performance.now() - started) / 1000);
    }
  }));
  if (skipped > 0) console.log(`${skipped} skipped`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function resultOf({ skipped, complaints }: Finding): "ok" | "skip" | "FAIL" {
  if (skipped !== undefined) return "skip";
  return complaints.length === 0 ? "ok" : "FAIL";
}

function tell(row: Row, finding: Finding, seed: number, seconds: number): void {
  const counts = Object.entries(finding.counts).map(([name, value]) => `${name}=${value}`).join(" ");
  const sentence = `${resultOf(finding)}  ${row.name}: ${row.property}`;
  console.log(`${sentence}  ${counts} seed=${seed} seconds=${seconds.toFixed(1)}`);
  if (finding.skipped !== undefined) console.log(`      skipped: ${finding.skipped}`);
  for (const complaint of finding.complaints.slice(0, 20)) console.log(`      ${complaint}`);
}

/** A row that breaks down has not proven anything: that is a failure with its reason, and the other rows still run. */
async function attempt(row: Row, seed: number, rounds: number): Promise<Finding> {
  try {
    return await row.run({ seed, rounds });
  } catch (thrown) {
    return { counts: {}, complaints: [`broke down: ${asQightError(thrown).message}`] };
  }
}

function named(name: string): Row {
  const row = rows.find((row) => row.name === name);
  if (!row) {
    throw new QightError(
      "usage",
      `There is no row ${name}; rows are ${rows.map((row) => row.name).join(", ")}`,
    );
  }
  return row;
}

function count(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text)) throw new QightError("usage", `${flag} takes a whole number, not ${text}`);
  return Number(text);
}
