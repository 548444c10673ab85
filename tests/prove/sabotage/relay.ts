/**
 * A relay that tells one lie: `relay.ts LIE --listen ADDRESS --data-dir PATH` (a process of its own, in the place of
 * `qight relay`). Everything but the store is the real relay; the lie is put around the store that it opens.
 * @module
 */
import { parseArgs } from "node:util";
import { asQightError, QightError } from "../../../proto/errors.ts";
import { readRelayConfig } from "../../../relay/config.ts";
import { createLog } from "../../../relay/log.ts";
import { openConfiguredStore, startRelay } from "../../../relay/relay.ts";
import "../disk/leaping_clock.ts"; // for rows that wait for a week with SIGUSR2
import { lies } from "./lies.ts";

const { values, positionals: [name] } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: { listen: { type: "string", multiple: true }, "data-dir": { type: "string" } },
});
const lie = lies[name];
if (!lie) throw new QightError("usage", `There is no lie ${name}; lies are ${Object.keys(lies).join(", ")}`);

const flags = { listen: values.listen, data_dir: values["data-dir"] };
const { config } = readRelayConfig({ env: Deno.env.toObject(), flags });
const log = createLog(config.log);
// As in cli/commands/relay.ts: a peer that vanishes must not end the relay.
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  log.error("unhandled rejection", { error: String(event.reason) });
});
const relay = await startRelay({
  config,
  log,
  version: `sabotaged: ${name}`,
  openStore: async (...how) => lie(await openConfiguredStore(...how)),
});
Deno.addSignalListener("SIGTERM", () => void relay.drain());
console.log(`address  ${relay.addresses[0]}`);
try {
  await relay.closed;
  Deno.exit(0);
} catch (thrown) {
  Deno.exit(asQightError(thrown).exit);
}
