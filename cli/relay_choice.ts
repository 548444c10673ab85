/** Which relay a client command talks to. @module */
import { parseRelayAddress } from "../net/address.ts";
import { QightError } from "../proto/errors.ts";
import type { Settings } from "./settings.ts";

/** The chosen relay's address in its canonical form; `no_relay` when none is chosen, `bad_address` when malformed. */
export function chosenRelay(settings: Settings): string {
  if (settings.relay === undefined) throw new QightError("no_relay");
  return parseRelayAddress(settings.relay).text;
}
