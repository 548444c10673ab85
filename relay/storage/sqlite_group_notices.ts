/**
 * Notices about groups in the writer: into the mailboxes of those who are told.
 * @module
 */
import type { GroupNotice, Noticed } from "./group_store.ts";
import { mostToldOf } from "./group_rules.ts";
import type { GroupRow } from "./sqlite_group_rows.ts";
import type { Mailboxes } from "./sqlite_mailboxes.ts";
import type { Messages } from "./sqlite_messages.ts";
import type { StoreLimits } from "./store.ts";

/** When a notice came, and until when it waits. */
export interface Dates {
  readonly received: number;
  readonly expires: number;
}

/** Puts notices into mailboxes, inside the transaction of the batch. */
export class GroupNotices {
  readonly #mailboxes: Mailboxes;
  readonly #messages: Messages;

  constructor(mailboxes: Mailboxes, messages: Messages) {
    this.#mailboxes = mailboxes;
    this.#messages = messages;
  }

  /** Tells devices what happened to a group; answers those that had room. */
  put(
    group: GroupRow,
    to: readonly { device: Uint8Array; kind: GroupNotice["kind"] }[],
    { received, expires }: Dates,
    limits: StoreLimits,
  ): Noticed[] {
    return to.flatMap(({ device, kind }) => {
      const notice = { group: group.name, kind, epoch: group.epoch };
      const mailbox = this.#mailboxes.find(device);
      const seq = mailbox && this.#messages.notice(mailbox, notice, { received, expires }, limits);
      return seq === null ? [] : [{ device, seq, notice, receivedAtMs: received, expiresAtMs: expires }];
    });
  }

  /** Tells the rosters of groups that an account's devices are others now. */
  putMembers(groups: readonly GroupRow[], dates: Dates, limits: StoreLimits): Noticed[] {
    const most = mostToldOf(groups.length);
    return groups.flatMap((group) => {
      const to = group.roster.slice(0, most).map((device) => ({ device, kind: "members" as const }));
      return this.put(group, to, dates, limits);
    });
  }
}
