/** `qight discover`: relays on this network. @module */
import type { FoundRelay } from "../../net/mdns/found.ts";
import { formatHostPort, parseRelayAddress } from "../../net/address.ts";
import { QightError } from "../../proto/errors.ts";
import { parseDuration } from "../../relay/config/durations.ts";
import { discoverRelays } from "../discovery.ts";
import { escapeLine } from "../escape.ts";
import type { discoverSpec } from "../tree/discover.ts";
import type { Call } from "../tree/spec.ts";

/** How long to listen when nothing is said. */
const DEFAULT_WAIT = "3s";

/** Prints one relay a line, its address first; exit 0 also when nobody answered. */
export async function run({ options, out, signal }: Call<typeof discoverSpec>): Promise<void> {
  const waitMs = parseDuration(options.wait ?? DEFAULT_WAIT);
  if (waitMs <= 0) throw new QightError("bad_duration", "--wait must be longer than nothing");
  const { relays, overflowed } = await discoverRelays({ waitMs, signal, onTrouble: (what) => out.detail(what) });
  for (const relay of relays) {
    await out.result(fields(relay), lineOf(relay));
  }
  if (relays.length === 0) out.note("no relay answered on this network; one announces itself with qight relay --mdns");
  if (overflowed) {
    out.note("warning: more relays were announced than are listed; somebody may be flooding this network");
  }
}

/** The JSON form: `name`, `address`, `addresses`, `root`, `server`, `domain`. Claims of whoever answered. */
function fields({ name, root, addresses, server, domain }: FoundRelay): Record<string, unknown> {
  return { name, address: addresses[0], addresses, root, server, domain };
}

function lineOf({ name, addresses: [first, ...others] }: FoundRelay): string {
  const places = others.map(parseRelayAddress).map(({ host, port }) => formatHostPort(host, port));
  const also = places.length > 0 ? `  (also ${places.join(", ")})` : "";
  return `${first}  ${escapeLine(name)}${also}`;
}
