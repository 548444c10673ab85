/**
 * The end of the own account at a relay.
 * @module
 */
import { signAccountEnd } from "../../crypto/account_end.ts";
import { AccountCalls } from "../account_calls.ts";
import type { AccountRoom } from "./room.ts";
import { forgetSession } from "./session_token.ts";

/** Signs that the account is gone for good, and lets the relay purge everything of it. Nobody can undo it. */
export async function endAccount({ relay, relayName, store, identity }: AccountRoom): Promise<void> {
  // The relay takes one that is fresh by its own clock.
  const { bytes } = await signAccountEnd(identity.account, relay.relayNowMs());
  await new AccountCalls(relay.rpc).deleteAccount(bytes);
  await store.write((tables) => forgetSession(tables, relayName));
}
