/**
 * Accounts that the operator has closed, for a time or for good. Held in memory, since every session is asked about.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import type { AccountStore, Closure } from "./storage/account_store.ts";

/** The closed accounts of a relay. */
export interface Closures {
  /** Why this account may not come in, or null. */
  refusal(account: Uint8Array): QightError | null;
  /** The closure that holds now, or null. */
  of(account: Uint8Array): Closure | null;
  /** Closes an account; its sessions end in the store, its connections are the caller's to end. */
  close(closure: Closure): Promise<void>;
  /** False when it was not closed. */
  reopen(account: Uint8Array): Promise<boolean>;
}

/** Reads what is stored; `now` is the relay's clock in milliseconds. */
export async function openClosures(
  accounts: Pick<AccountStore, "close" | "reopen" | "closures">,
  now: () => number,
): Promise<Closures> {
  const closed = new Map((await accounts.closures()).map((closure) => [closure.account.toHex(), closure]));

  const of = (account: Uint8Array) => {
    const found = closed.get(account.toHex());
    return found && (found.untilMs === null || found.untilMs > now()) ? found : null;
  };

  return {
    of,
    refusal(account) {
      const found = of(account);
      if (!found) return null;
      const until = found.untilMs === null ? "" : ` until ${new Date(found.untilMs).toISOString()}`;
      const reason = found.reason === "" ? "" : `: ${found.reason}`;
      const what = found.kind === "banned" ? "The operator has closed this account" : "The account is suspended";
      return new QightError("suspended", `${what}${until}${reason}`);
    },
    async close(closure) {
      // First in memory: nobody slips in between.
      closed.set(closure.account.toHex(), closure);
      await accounts.close(closure);
    },
    async reopen(account) {
      closed.delete(account.toHex());
      return await accounts.reopen(account);
    },
  };
}
