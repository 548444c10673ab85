/** `qight ping`: a round trip to the relay. @module */
import { RelayClient } from "../../client/relay_client.ts";
import { chosenOrOfferedRelay } from "../relay_choice.ts";
import { accessToken } from "../token.ts";
import type { Call } from "../tree/spec.ts";

/** Prints how long one call takes, without showing who asks. */
export async function run({ settings, out, signal }: Call): Promise<void> {
  const relay = await chosenOrOfferedRelay(settings, out);
  const token = await accessToken(settings);
  await using client = await RelayClient.connect(relay, {
    timeoutMs: settings.timeoutMs,
    ...(token === undefined ? {} : { token }),
  });
  const before = performance.now();
  const nowMs = await client.ping(undefined, { signal });
  const ms = Math.round((performance.now() - before) * 100) / 100;
  const fields = {
    relay,
    ms,
    transport: client.transport,
    version: client.session.relayVersion,
    clock_skew_ms: Math.round(nowMs - Date.now()),
  };
  await out.result(fields, `${ms} ms  ${client.transport}  qight ${client.session.relayVersion}`);
}
