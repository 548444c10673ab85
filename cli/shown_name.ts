/** What people are called on the screen. @module */
import { shortId } from "../client/conversations.ts";

/** The contact name of an account (hash, 32 bytes), else the beginning of its id; `names` are by hash in hex. */
export function shownName(account: Uint8Array, names: ReadonlyMap<string, string>): string {
  return names.get(account.toHex()) ?? shortId(account);
}
