/**
 * Claim: one `send --lines` seals and durably sends so many lines a second, its start included.
 * @module
 */
import { Folder, must, person, qight, run } from "../../tests/prove/processes.ts";
import { type Figure, medianFigure } from "../figure.ts";
import { selfCheck } from "../load/spawn.ts";
import { type Bench, repeated, withRelay } from "./claim.ts";

const LINES = 12_000;

/** The real command with a file on its standard input; every line must get its own id. */
export async function* lines(bench: Bench): AsyncIterable<Figure> {
  const runs = await repeated(bench.runs, () =>
    withRelay(async (relay) => {
      using folder = new Folder();
      const reader = person(folder.inside("reader"), relay.address);
      const to = await must(qight("key", "gen", "--no-passphrase"), { env: reader });
      const env = person(folder.inside("sender"), relay.address);
      await must(qight("key", "gen", "--no-passphrase"), { env });
      const stdin = Array.from({ length: LINES }, (_, n) => `${n} a line of a log as it may be in a bench\n`).join("");
      const started = performance.now();
      const said = await run(qight("send", to, "--lines"), { env, stdin });
      const seconds = (performance.now() - started) / 1000;
      const ids = new Set(said.stdout.trim().split("\n"));
      selfCheck(
        said.code === 0 && ids.size === LINES,
        `${ids.size} ids for ${LINES} lines, exit ${said.code}: ${said.stderr}`,
      );
      return LINES / seconds;
    }));
  yield medianFigure("lines_per_s", "1/s", runs, { lines: LINES, checked: { ids_equal_lines: true } });
}
