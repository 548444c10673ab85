/** Which relay a client command talks to. @module */
import { parseRelayAddress } from "../net/address.ts";
import { QightError } from "../proto/errors.ts";
import { lateModule } from "./late_module.ts";
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
  const offer = await lateModule<typeof import("./relay_offer.ts")>("relay_offer.ts");
  return await offer.canOffer(settings) ? await offer.offerRelay(settings, out) : chosenRelay(settings);
}
