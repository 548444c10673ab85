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
  const chosen = values.only ? values.only.map(named) : rows;
  let passed = 0, failed = 0, skipped = 0;
  for (const row of chosen) {
    const started = performance.now();
    const finding = await attempt(row, seed, rounds ?? row.rounds[values.night ? "night" : "ci"]);
    const result = finding.skipped !== undefined ? "skip" : finding.complaints.length === 0 ? "ok" : "FAIL";
    if (result === "ok") passed++;
    else if (result === "skip") skipped++;
    else failed++;
    const counts = Object.entries(finding.counts).map(([name, value]) => `${name}=${value}`).join(" ");
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${result}  ${row.name}: ${row.property}  ${counts} seed=${seed} seconds=${seconds}`);
    if (finding.skipped !== undefined) console.log(`      skipped: ${finding.skipped}`);
    for (const complaint of finding.complaints.slice(0, 20)) console.log(`      ${complaint}`);
  }
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return failed === 0 ? 0 : 1;
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
