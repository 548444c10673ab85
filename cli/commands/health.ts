/** `qight health`: for Docker and scripts, since small images have no curl and QUIC is UDP. @module */
import { RelayClient } from "../../client/relay_client.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import { askRelay } from "../relay_admin.ts";
import { chosenRelay } from "../relay_choice.ts";
import type { Settings } from "../settings.ts";
import type { Call } from "../tree/spec.ts";

/** Exit 0 when the chosen relay answers, or the one of this machine's data folder when none is chosen; else 69. */
export async function run({ settings, out, signal }: Call): Promise<void> {
  const deno = Deno.version.deno;
  const answer = settings.relay === undefined ? await askHere(settings) : await askOverNetwork(settings, signal);
  await out.result({ healthy: true, ...answer, deno }, "healthy");
}

async function askHere(settings: Settings): Promise<Record<string, unknown>> {
  const status = await askRelay(settings, "status") as { draining: boolean; version: string };
  if (status.draining) throw new QightError("unhealthy", "The relay is draining");
  return { version: status.version };
}

async function askOverNetwork(settings: Settings, signal: AbortSignal): Promise<Record<string, unknown>> {
  const relay = chosenRelay(settings);
  try {
    await using client = await RelayClient.connect(relay, { timeoutMs: settings.timeoutMs });
    await client.ping(undefined, { signal });
    return { relay, version: client.session.relayVersion };
  } catch (thrown) {
    const error = asQightError(thrown);
    // A relay that wants a token is up; one that is not the one we asked for is said as such.
    if (error.code === "bad_token") return { relay };
    if (error.exit === 69 || error.exit === 76 || error.exit === 130 || error.exit === 143) throw error;
    throw new QightError("unhealthy", `The relay answered, but not well: ${error.message}`, { cause: error });
  }
}
