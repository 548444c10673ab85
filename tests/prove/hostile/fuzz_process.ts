/**
 * Fuzzes a share of all decoders and prints one JSON line for each: `fuzz_process.ts SEED INPUTS SHARE OF` (a process of
 * its own, so that the shares use all cores and a heap that grows is the decoders').
 * @module
 */
import { cryptoDecoders } from "../../fuzz/crypto_decoders.ts";
import { faults, fuzz } from "../../fuzz/fuzz.ts";
import { textDecoders } from "../../fuzz/text_decoders.ts";
import { frameReader, messageDecoders } from "../../fuzz/wire_decoders.ts";

/** What one line says. */
export interface FuzzLine {
  readonly what: string;
  readonly inputs: number;
  readonly refused: number;
  readonly slowestMs: number;
  readonly heapGrowth: number;
  readonly faults: readonly string[];
}

if (import.meta.main) {
  const [seed, inputs, share, of] = Deno.args.map(Number);
  const all = [...cryptoDecoders, ...textDecoders, frameReader, ...messageDecoders];
  for (const decoder of all.filter((_, place) => place % of === share)) {
    console.log(JSON.stringify(await line(decoder, seed, inputs)));
  }
}

async function line(decoder: Parameters<typeof fuzz>[0], seed: number, inputs: number): Promise<FuzzLine> {
  const { what } = decoder;
  try {
    const fuzzed = await fuzz(decoder, seed, inputs);
    const { slowestMs, heapGrowth, ended } = fuzzed;
    const refused = inputs - (ended.get("value") ?? 0);
    return { what, inputs, refused, slowestMs, heapGrowth, faults: faults(decoder, fuzzed) };
  } catch (thrown) {
    // The decoder broke on one input: the others still have their turn.
    return { what, inputs: 0, refused: 0, slowestMs: 0, heapGrowth: 0, faults: [(thrown as Error).message] };
  }
}
