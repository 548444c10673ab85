/**
 * Devices that went off a list a short while ago: nobody takes anything from them. A relay without passwords admits every
 * key, and readers ask for a sender's list now and then only; so the thief of a device, revoked a minute ago, could else
 * still write to people who do not know yet (docs/decisions/0008-accounts-and-devices.md).
 * @module
 */

/** Longer than any reader goes without asking for a list (client/opener.ts: ten minutes). */
const REMEMBERED_MS = 60 * 60_000;
/** Devices remembered at once; the oldest are forgotten first. */
export const MOST_DROPPED = 10_000;

/** The devices, by key as hex; bounded, and forgotten when everybody knows. */
export class DroppedDevices {
  readonly #now: () => number;
  readonly #until = new Map<string, number>();

  /** `now` in milliseconds, never backwards. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether this device went off a list within the hour. */
  has(device: Uint8Array): boolean {
    if (this.#until.size === 0) return false;
    const until = this.#until.get(device.toHex());
    return until !== undefined && this.#now() < until;
  }

  /** These went off a list just now. */
  add(devices: readonly Uint8Array[]): void {
    for (const device of devices) {
      this.#until.delete(device.toHex());
      this.#until.set(device.toHex(), this.#now() + REMEMBERED_MS);
    }
    for (const [device, until] of this.#until) {
      if (until > this.#now() && this.#until.size <= MOST_DROPPED) return;
      this.#until.delete(device);
    }
  }

  /** These are on a list again. */
  remove(devices: readonly Uint8Array[]): void {
    if (this.#until.size === 0) return;
    for (const device of devices) this.#until.delete(device.toHex());
  }
}
