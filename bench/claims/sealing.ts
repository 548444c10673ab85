/**
 * Claim: one process seals and opens so many messages a second (256-byte class, X-Wing, AES-256-GCM).
 * @module
 */
import { type Figure, medianFigure } from "../figure.ts";
import { load } from "../load/spawn.ts";
import { type Bench, repeated } from "./claim.ts";

/** No relay takes part. */
export async function* sealing(bench: Bench): AsyncIterable<Figure> {
  const runs = await repeated(bench.runs, () => load<{ seal: number; open: number }>("sealing", bench.folder, 2));
  yield medianFigure("seal_per_s", "1/s", runs.map(({ seal }) => seal), { plaintext_bytes: 256 });
  yield medianFigure("open_per_s", "1/s", runs.map(({ open }) => open), { plaintext_bytes: 256 });
}
