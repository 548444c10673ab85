/**
 * What works on an own account at a relay, handed in.
 * @module
 */
import type { OpaqueParties } from "../../crypto/opaque.ts";
import type { Clock, Random } from "../clock.ts";
import type { Identity } from "../identity.ts";
import type { OpaqueThread } from "../opaque_thread.ts";
import type { RelayClient } from "../relay_client.ts";
import type { ClientStore } from "../storage/store.ts";

/** A connection that has proven its device, admitted or not. */
export type AccountRelay = Pick<RelayClient, "rpc" | "session" | "relayNowMs">;

/** One identity's account at one relay. */
export interface AccountRoom {
  readonly relay: AccountRelay;
  /** The relay's name as dialled (`dialledName`). */
  readonly relayName: string;
  readonly store: ClientStore;
  readonly identity: Identity;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
}

/** A room in which passwords can be used. */
export interface PasswordRoom extends AccountRoom {
  readonly opaque: Pick<OpaqueThread, "run">;
}

/** Who registers or logs in, as both sides of OPAQUE say it; `folded` as crypto/account_name.ts makes it. */
export function partiesOf({ session }: Pick<AccountRelay, "session">, folded: string): OpaqueParties {
  return { name: folded, relay: session.root.toBase64({ alphabet: "base64url", omitPadding: true }) };
}
