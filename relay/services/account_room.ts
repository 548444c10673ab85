/**
 * What names, passwords and sessions need of the relay.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import type { OpaqueParties } from "../../crypto/opaque.ts";
import type { Closures } from "../closures.ts";
import type { CallContext } from "../dispatch.ts";
import type { Limits } from "../limits.ts";
import type { LoginStates } from "../login_states.ts";
import type { Metrics } from "../metrics.ts";
import type { PeerMemory } from "../peer_memory.ts";
import type { Sessions } from "../sessions.ts";
import type { Store } from "../storage/store.ts";
import type { TurnedAway } from "../turned_away.ts";
import { type ListRoom, newcomer } from "./list_changes.ts";

/** A login between its two steps. */
export interface LoginUnderWay {
  readonly parties: OpaqueParties;
  /** Checks the KE3. Secret. */
  readonly state: string;
  /** Account and record behind the name; null when nobody has it. */
  readonly named: { readonly account: Uint8Array; readonly record: string } | null;
  /** What its tries are counted by. */
  readonly tries: string;
}

/** Who has just signed in on a connection, by the right password. */
export interface RecentLogin {
  readonly account: Uint8Array;
}

/** Accounts with names and passwords. */
export interface AccountRoom extends ListRoom {
  readonly store: Store;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly sessions: Sessions;
  readonly closures: Closures;
  readonly logins: LoginStates<LoginUnderWay>;
  /** The folded name that a connection is about to register. */
  readonly registering: PeerMemory<string>;
  readonly recent: PeerMemory<RecentLogin>;
  /** Whether this relay has names and passwords. */
  readonly enabled: () => boolean;
  /** The relay's OPAQUE setup; secret. */
  readonly setup: () => Promise<string>;
  /** The relay's root key in base64url. */
  readonly root: string;
  readonly draining: () => boolean;
  /** Hears of wrong passwords and of who has to wait, so that a packet filter may. */
  readonly turnedAway: TurnedAway;
}

/** Throws `no_accounts` where a key is all that anybody needs, and `draining` from a relay that takes no more work. */
export function requireAccounts(room: AccountRoom): void {
  if (!room.enabled()) throw new QightError("no_accounts");
  if (room.draining()) throw new QightError("draining", undefined, { retryAfterMs: 1000 });
}

/** Like `requireAccounts`, for who is about to sign in; throws why the session is refused when that would not mend it. */
export function requireNewcomer(room: AccountRoom, call: CallContext): void {
  requireAccounts(room);
  newcomer(call);
}

/** Throws `suspended` when the operator has closed the account. */
export function requireOpen(room: AccountRoom, account: Uint8Array): void {
  const refusal = room.closures.refusal(account);
  if (refusal) throw refusal;
}

/** Where a call comes from, as limits count it. */
export function ipOf(call: CallContext): string {
  return call.peer.connection.peer.hostname;
}
