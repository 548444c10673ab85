/**
 * Invites of the store that forgets everything at exit.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import type { InviteBounds, InviteClaim, InvitePut, NewInvite } from "./store.ts";

interface Kept {
  readonly invite: NewInvite;
  record: Uint8Array | null;
  claimer: Uint8Array | null;
  untilMs: number;
}

/** Invites by locator; the same answers as the SQLite table's. */
export class MemoryInvites {
  readonly #kept = new Map<string, Kept>();

  /** See Store. */
  put(invite: NewInvite, { nowMs, maxOpen, maxRemembered }: InviteBounds): InvitePut {
    const known = this.#kept.get(invite.locator.toHex());
    if (known) {
      const same = known.record && equal(known.record, invite.record) && equal(known.invite.creator, invite.creator);
      return same ? { kind: "stored", expiresAtMs: known.invite.expiresAtMs } : { kind: "taken" };
    }
    const mine = [...this.#kept.values()]
      .filter((each) => equal(each.invite.creator, invite.creator) && each.untilMs > nowMs);
    const open = mine.filter(({ claimer }) => claimer === null).length;
    if (open >= maxOpen || mine.length >= maxRemembered) return { kind: "too_many", open, remembered: mine.length };
    const kept = { invite, record: invite.record.slice(), claimer: null, untilMs: invite.expiresAtMs };
    this.#kept.set(invite.locator.toHex(), kept);
    return { kind: "stored", expiresAtMs: invite.expiresAtMs };
  }

  /** See Store. */
  claim(locator: Uint8Array, device: Uint8Array, times: { nowMs: number; keepUntilMs: number }): InviteClaim {
    const kept = this.#kept.get(locator.toHex());
    if (!kept || kept.untilMs <= times.nowMs) return { kind: "unknown" };
    if (kept.claimer && !equal(kept.claimer, device)) return { kind: "used" };
    if (!kept.record) return { kind: "used" };
    if (!kept.claimer) Object.assign(kept, { claimer: device.slice(), untilMs: times.keepUntilMs });
    return { kind: "claimed", record: kept.record.slice() };
  }

  /** See Store. */
  confirm(locator: Uint8Array, device: Uint8Array): boolean {
    const kept = this.#kept.get(locator.toHex());
    if (!kept?.claimer || !equal(kept.claimer, device)) return false;
    kept.record = null;
    return true;
  }

  /** See Store. */
  revoke(locator: Uint8Array, creator: Uint8Array): boolean {
    const kept = this.#kept.get(locator.toHex());
    if (!kept || kept.claimer || !equal(kept.invite.creator, creator)) return false;
    return this.#kept.delete(locator.toHex());
  }

  /** All of a device whose account has ended, claimed or not. */
  drop(creator: Uint8Array): void {
    for (const [name, { invite }] of this.#kept) if (equal(invite.creator, creator)) this.#kept.delete(name);
  }

  /** Forgets what is due. */
  collect(nowMs: number): void {
    for (const [name, { untilMs }] of this.#kept) if (untilMs <= nowMs) this.#kept.delete(name);
  }
}
