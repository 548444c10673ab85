/** Selftest: a relay in this process, on a free port of loopback, asked over QUIC and over WebSocket. @module */
import { join } from "node:path";
import { defaultRelayConfig } from "../../relay/config.ts";
import type { Log } from "../../relay/log.ts";
import { startRelay } from "../../relay/relay.ts";
import { type Check, fail } from "../doctor/check.ts";
import { checkTrips, travel } from "../doctor/round_trip.ts";
import type { Settings } from "../settings.ts";
import { VERSION } from "../version.ts";

const TIMEOUT_MS = 10_000;

/** One check for each way; a way that does not work fails even when the other does. */
export async function checkRoundTrips(folder: string, settings: Settings): Promise<Check[]> {
  const defaults = defaultRelayConfig(join(folder, "relay"));
  await using relay = await startRelay({
    // By address and never by name: where /etc/hosts is missing, localhost is nothing.
    config: { ...defaults, listen: ["127.0.0.1:0"], http: { listen: "" } },
    log: silent,
    version: VERSION,
  });
  const trips = await travel({
    ...settings,
    relay: relay.addresses[0],
    tokenFile: undefined,
    timeoutMs: TIMEOUT_MS,
  });
  return checkTrips(trips).map((check) =>
    check.state === "warn" ? fail(check.name, "unreachable", check.message, "") : check
  );
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, reconfigure() {} };
