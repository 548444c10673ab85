/** Doctor: all checks in their order. @module */
import type { Output } from "../output.ts";
import { loadRelayConfig } from "../relay_toml.ts";
import type { Settings } from "../settings.ts";
import { checkCertificate } from "./certificate.ts";
import { type Check, examine, failed, warn } from "./check.ts";
import { checkClock } from "./clock.ts";
import { checkConfig, checkRelayToml } from "./configuration.ts";
import { checkDisk } from "./disk.ts";
import { checkFolder, checkKeyFile, checkRelayFolder } from "./modes.ts";
import { checkToken, checkTrips, travel } from "./round_trip.ts";
import { checkDeno } from "./runtime.ts";
import { checkStore } from "./store.ts";
import { checkUdpBuffer } from "./udp_buffer.ts";

const NO_RELAY = "Not looked at: no relay is chosen";

/** Looks at this machine and at the chosen relay. `bare` are settings that config.toml has no part in yet. */
export async function* diagnose(bare: Settings, out: Output): AsyncGenerator<Check> {
  yield await examine("deno", () => checkDeno());
  const { check, settings } = await checkConfig(bare);
  yield check;
  yield await examine("key", () => checkKeyFile(settings.identity));
  yield await examine("folder", () => checkFolder(settings.dataDir));
  yield await examine("store", () => checkStore(settings, out));
  yield await examine("disk", () => checkDisk("disk", settings.dataDir));
  yield* relayHere(settings);
  yield checkUdpBuffer();
  yield* relayThere(settings);
}

/** A relay of this machine, when it has a relay.toml or a root key where they are looked for. */
async function* relayHere(settings: Settings): AsyncGenerator<Check> {
  const toml = await examine("relay_toml", () => checkRelayToml(settings));
  if (toml) yield toml;
  if (toml?.state === "fail") return;
  const { config } = await loadRelayConfig({ ...settings, configGiven: false });
  const folder = await examine("relay_folder", () => checkRelayFolder(config.dataDir));
  if (!folder) return;
  yield folder;
  yield await examine("relay_disk", () => checkDisk("relay_disk", config.dataDir));
}

/** The chosen relay: reachable each way, its certificate, its clock. */
async function* relayThere(settings: Settings): AsyncGenerator<Check> {
  const { relay } = settings;
  if (relay === undefined) {
    yield warn("quic", NO_RELAY, "Use --relay ADDR or set QIGHT_RELAY; qight discover lists some.");
    for (const name of ["websocket", "certificate", "clock"]) yield warn(name, NO_RELAY, "");
    return;
  }
  try {
    const [trips, certificate] = await Promise.all([travel(settings), checkCertificate(relay, settings.timeoutMs)]);
    yield* checkTrips(trips);
    const arrived = [trips.quic, trips.websocket].find((trip) => "ms" in trip);
    const token = checkToken(arrived ?? trips.quic, settings.tokenFile !== undefined);
    if (token) yield token;
    yield certificate;
    yield arrived && "ms" in arrived
      ? checkClock(arrived.aheadMs)
      : warn("clock", "Not compared: the relay did not let us in", "See the lines quic and websocket.");
  } catch (thrown) {
    // A malformed address, or a token file that cannot be read.
    yield failed("relay", thrown);
  }
}
