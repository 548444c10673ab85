/**
 * Damaged inputs for every decoder that reads bytes of strangers, with the seed of the run.
 * @module
 */
import { run, script } from "../processes.ts";
import type { Finding, Row, Size } from "../row.ts";
import type { FuzzLine } from "./fuzz_process.ts";

/** tests/fuzz/ gives each decoder the same 20,000 inputs at every change; this row's inputs are new in each run. */
export const decoderFuzz: Row = {
  name: "decoder-fuzz",
  property: "every decoder answers damaged inputs with a value or its typed error, in under 100 ms, holding no memory",
  rounds: { ci: 1_000, night: 1_000_000 },
  run: prove,
};

async function prove({ seed, rounds }: Size): Promise<Finding> {
  const shares = navigator.hardwareConcurrency;
  const env = Deno.env.toObject();
  const said = await Promise.all(Array.from({ length: shares }, (_, share) => {
    const args = [seed, rounds, share, shares].map(String);
    return run(script("tests/prove/hostile/fuzz_process.ts", ...args), { env });
  }));
  const complaints = said.filter(({ code }) => code !== 0).map(({ code, stderr }) =>
    `a fuzzing process ended with ${code}: ${stderr.trim().split("\n").slice(-3).join(" | ")}`
  );
  const lines = said.flatMap(({ stdout }) => stdout.trim().split("\n")).filter((line) => line !== "")
    .map((line) => JSON.parse(line) as FuzzLine);
  const sum = (pick: (line: FuzzLine) => number) => lines.reduce((all, line) => all + pick(line), 0);
  const most = (pick: (line: FuzzLine) => number) => lines.reduce((all, line) => Math.max(all, pick(line)), 0);
  return {
    counts: {
      decoders: lines.length,
      inputs_each: rounds,
      inputs: sum(({ inputs }) => inputs),
      refused: sum(({ refused }) => refused),
      slowest_ms: Math.round(most(({ slowestMs }) => slowestMs)),
      most_heap_mb: Math.round(most(({ heapGrowth }) => heapGrowth) / 2 ** 20),
    },
    complaints: [...complaints, ...lines.flatMap(({ faults }) => faults)],
  };
}
