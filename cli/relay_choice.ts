/** Which relay a client command talks to. @module */
import { parseRelayAddress } from "../net/address.ts";
import { QightError } from "../proto/errors.ts";
import type { Output } from "./output.ts";
import type { Settings } from "./settings.ts";

/** The chosen relay's address in its canonical form; `no_relay` when none is chosen, `bad_address` when malformed. */
export function chosenRelay(settings: Settings): string {
  if (settings.relay === undefined) throw new QightError("no_relay");
  return parseRelayAddress(settings.relay).text;
}

/** Like `chosenRelay`; when none is chosen and somebody sits at a terminal, they are offered one of this network. */
export async function chosenOrOfferedRelay(settings: Settings, out: Output): Promise<string> {
  if (settings.relay !== undefined) return chosenRelay(settings);
  // The name is computed, so that a command with a relay chosen does not read what looks for one.
  const module = new URL("./relay_offer.ts", import.meta.url).href;
  const offer = await import(module) as typeof import("./relay_offer.ts");
  return await offer.canOffer(settings) ? await offer.offerRelay(settings, out) : chosenRelay(settings);
}
