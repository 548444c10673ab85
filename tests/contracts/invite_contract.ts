/**
 * What every store of the relay promises about invites. Run over SQLite and memory, with the rest of the contract.
 * @module
 */
import assert from "node:assert/strict";
import type { InviteBounds, NewInvite, Store } from "../../relay/storage/store.ts";
import { device, key, T } from "./store_scene.ts";

const invite = (n: number, change: Partial<NewInvite> = {}): NewInvite => ({
  locator: key(7, n),
  creator: device(1),
  record: new Uint8Array(300).fill(n),
  expiresAtMs: T + 1_000,
  ...change,
});

const claimed = (n: number) => ({ kind: "claimed", record: new Uint8Array(300).fill(n) });

/** Adds the rows to a suite. */
export function inviteContract(row: (promise: string, run: (store: Store) => Promise<void>) => void): void {
  const bounds: InviteBounds = { nowMs: T, maxOpen: 3, maxRemembered: 5 };
  const KEEP = T + 100_000;
  const claim = (store: Store, n: number, by: number, nowMs = T) =>
    store.claimInvite(key(7, n), device(by), { nowMs, keepUntilMs: KEEP });

  row("an invite goes to the first device that claims it, which may ask again until it confirms", async (store) => {
    assert.deepEqual(await store.putInvite(invite(1), bounds), { kind: "stored", expiresAtMs: T + 1_000 });
    const race = await Promise.all([2, 3, 2, 4].map((by) => claim(store, 1, by)));
    assert.deepEqual(race, [claimed(1), { kind: "used" }, claimed(1), { kind: "used" }]);
    assert.equal(await store.confirmInvite(key(7, 1), device(3)), false);
    assert.deepEqual(await claim(store, 1, 2), claimed(1));
    assert.equal(await store.confirmInvite(key(7, 1), device(2)), true);
    for (const by of [2, 3]) assert.deepEqual(await claim(store, 1, by), { kind: "used" });
  });

  row("an invite nobody claimed ends with its time; a claimed one is known longer", async (store) => {
    for (const n of [1, 2]) await store.putInvite(invite(n), bounds);
    assert.deepEqual(await claim(store, 1, 2, T + 999), claimed(1));
    assert.deepEqual(await claim(store, 2, 2, T + 1_000), { kind: "unknown" });
    await store.collect(T + 1_000);
    assert.deepEqual(await claim(store, 2, 2), { kind: "unknown" }, "collected, whatever the clock says now");
    assert.deepEqual(await claim(store, 1, 2, KEEP - 1), claimed(1));
    assert.deepEqual(await claim(store, 1, 3, KEEP - 1), { kind: "used" });
    await store.collect(KEEP);
    assert.deepEqual(await claim(store, 1, 3), { kind: "unknown" });
  });

  row("the same invite again is the same, another one under its locator is refused", async (store) => {
    await store.putInvite(invite(1), bounds);
    assert.deepEqual(await store.putInvite(invite(1, { expiresAtMs: T + 9_000 }), bounds), {
      kind: "stored",
      expiresAtMs: T + 1_000,
    });
    assert.deepEqual(await store.putInvite(invite(1, { creator: device(2) }), bounds), { kind: "taken" });
    assert.deepEqual(await store.putInvite(invite(1, { record: key(1, 1) }), bounds), { kind: "taken" });
    assert.deepEqual(await claim(store, 9, 2), { kind: "unknown" });
  });

  row("invites are counted by device: those that wait, and all that are remembered", async (store) => {
    for (const n of [1, 2, 3]) await store.putInvite(invite(n), bounds);
    assert.deepEqual(await store.putInvite(invite(4), bounds), { kind: "too_many", open: 3, remembered: 3 });
    assert.equal((await store.putInvite(invite(5, { creator: device(2) }), bounds)).kind, "stored");
    for (const n of [1, 2]) await claim(store, n, 2);
    for (const n of [4, 6]) assert.equal((await store.putInvite(invite(n), bounds)).kind, "stored");
    await claim(store, 4, 2);
    assert.deepEqual(await store.putInvite(invite(7), bounds), { kind: "too_many", open: 2, remembered: 5 });
    const later = { ...bounds, nowMs: T + 1_000 };
    assert.equal((await store.putInvite(invite(7), later)).kind, "stored", "what has expired does not count");
  });

  row("an invite is taken back by its maker alone, and not once it was claimed", async (store) => {
    for (const n of [1, 2]) await store.putInvite(invite(n), bounds);
    assert.equal(await store.revokeInvite(key(7, 1), device(2)), false);
    assert.equal(await store.revokeInvite(key(7, 1), device(1)), true);
    assert.equal(await store.revokeInvite(key(7, 1), device(1)), false);
    assert.deepEqual(await claim(store, 1, 2), { kind: "unknown" });
    await claim(store, 2, 2);
    assert.equal(await store.revokeInvite(key(7, 2), device(1)), false);
    assert.deepEqual(await claim(store, 2, 2), claimed(2));
  });

  row("collection takes all invites that are due, however many", async (store) => {
    const many = { ...bounds, maxOpen: 1_000, maxRemembered: 1_000 };
    await Promise.all(Array.from({ length: 600 }, (_, n) => store.putInvite(invite(n), many)));
    await store.collect(T + 1_000);
    assert.equal((await store.putInvite(invite(601), { ...bounds, nowMs: T })).kind, "stored");
  });
}
