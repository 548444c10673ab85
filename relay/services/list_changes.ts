/**
 * What the relay does at once when an account's list of devices has changed: who is off it may do nothing more, and who
 * shares a group with it hears of it.
 * @module
 */
import { type ErrorCode, QightError } from "../../proto/errors.ts";
import type { Blocks } from "../blocks.ts";
import type { CallContext } from "../dispatch.ts";
import { endSessions } from "../end_sessions.ts";
import type { Mailboxes } from "../mailboxes.ts";
import type { Peer } from "../peer.ts";
import type { ListChanged, NoticeTimes } from "../storage/store.ts";
import { wake } from "./group_room.ts";

/** What telling of changed lists needs of the relay. */
export interface ListRoom {
  readonly peers: ReadonlySet<Peer>;
  readonly mailboxes: Mailboxes;
  readonly blocks: Blocks;
  readonly retention: () => { readonly maxTtlMs: number };
  readonly now: () => number;
}

/** Until when groups may hear of a change that happens now. */
export function noticeTimes({ now, retention }: Pick<ListRoom, "now" | "retention">): NoticeTimes {
  const nowMs = now();
  return { nowMs, noticeUntilMs: nowMs + retention().maxTtlMs };
}

/** The account's devices are these now, by a call of `by`; what the store said of it happens to connections and readers. */
export function listChanged(
  room: ListRoom,
  list: { readonly account: Uint8Array; readonly devices: readonly Uint8Array[] },
  { dropped, moved, notices }: ListChanged,
  by: Peer,
): void {
  room.blocks.listChanged(list.account, list.devices, dropped);
  endSessions(room.peers, dropped, new QightError("not_listed"));
  // They would go on under the account that the device has left: its mail is the new one's, and so is what it says.
  endSessions(room.peers, moved, new QightError("not_listed", "This device belongs to another account now"), by);
  wake(room, notices);
}

/** Refusals that signing in mends; a token, an allow list or the operator's word is another matter. */
const MENDED: readonly ErrorCode[] = ["login_needed", "not_listed"];

/** Throws why this session is not admitted, unless it is about to mend just that; answers whether it has to. */
export function newcomer({ peer }: CallContext): boolean {
  const refusal = peer.session?.refusal;
  if (refusal && !MENDED.includes(refusal.code)) throw refusal;
  return refusal !== null && refusal !== undefined;
}
