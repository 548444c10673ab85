/**
 * Claim: the command line starts nearly as fast as the runtime below it.
 * @module
 */
import { Folder, must, person, qight, run } from "../../tests/prove/processes.ts";
import { type Figure, medianFigure } from "../figure.ts";
import { selfCheck } from "../load/spawn.ts";
import { withRelay } from "./claim.ts";

/** Starts of each command; the first warms the caches and is not counted. */
const STARTS = 11;

/** Wall time from spawn to exit; the commands take turns, so that a busy moment hits all of them. */
export async function* cliStart(): AsyncIterable<Figure> {
  yield* await withRelay(async (relay) => {
    using folder = new Folder();
    const env = person(folder.inside("person"), relay.address);
    const to = await must(qight("key", "gen", "--no-passphrase"), { env });
    const oneLine = `${folder.path}/one_line.ts`;
    Deno.writeTextFileSync(oneLine, 'console.log("qight");\n');
    const commands: Record<string, string[]> = {
      cli_version_ms: qight("version"),
      cli_help_ms: qight("help"),
      cli_send_ms: qight("send", to, "hello"),
      deno_eval_ms: ["eval", 'console.log("qight")'],
      deno_script_ms: ["run", oneLine],
    };
    const times: Record<string, number[]> = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
    for (let start = 0; start <= STARTS; start++) {
      for (const [name, args] of Object.entries(commands)) {
        const began = performance.now();
        const said = await run(args, { env });
        const took = performance.now() - began;
        selfCheck(said.code === 0, `${name} ended with ${said.code}: ${said.stderr}`);
        if (start > 0) times[name].push(took);
      }
    }
    return Object.entries(times).map(([name, all]) => medianFigure(name, "ms", all));
  });
}
