/** Which relay two devices meet at. @module */
import { parseRelayAddress } from "../net/address.ts";
import { QightError } from "../proto/errors.ts";
import type { InviteCode } from "./invite_code.ts";
import type { Output } from "./output.ts";
import type { Settings } from "./settings.ts";

/** The settings with the relay of a code when none is chosen; `usage` when another one is. */
export function settingsAt({ relay }: InviteCode, settings: Settings, out: Output): Settings {
  if (relay === undefined) return settings;
  const named = parseRelayAddress(relay).text;
  if (settings.relay === undefined) {
    out.note(`no relay was chosen: using the one in the code. To go on with it: export QIGHT_RELAY=${named}`);
    return { ...settings, relay: named };
  }
  if (parseRelayAddress(settings.relay).text === named) return settings;
  throw new QightError("usage", "The code is for another relay than the one chosen", {
    hint: `Where the account has that relay too: --relay ${named}.`,
  });
}
