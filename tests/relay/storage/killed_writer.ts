/**
 * A process that claims KeyPackages, sends to a group of four, or registers, recovers and ends accounts, says each thing
 * that is acknowledged, and is killed. Arguments: the database, and `claim`, `send` or `accounts`.
 * @module
 */
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import { end, keeping, locator, named, session, times } from "../../contracts/account_scene.ts";
import { said } from "../../contracts/group_scene.ts";
import { device, key, roomy, T } from "../../contracts/store_scene.ts";

const [path, what] = Deno.args;
const store = await openSqliteStore({ path, limits: roomy, now: () => T });
const say = (n: number) => Deno.stdout.writeSync(new TextEncoder().encode(`${n}\n`));
if (what === "claim") {
  const claim = { account: key(5, 2), suite: 83, except: device(1), validUntilMs: T, singleUse: true };
  for (;;) {
    const [{ keyPackage, lastResort }] = (await store.keyPackages.claim(claim)).packages;
    say(lastResort ? 0 : keyPackage[0] * 256 + keyPackage[1]);
  }
}
for (let n = 1; what === "accounts"; n++) {
  // The number of a device ends with its place in the account.
  const [account, first, second] = [key(5, n), device(n * 256), device(n * 256 + 1)];
  const list = (devices: Uint8Array[], version: number) => (
    { put: { account, version, bundle: new Uint8Array(99), devices }, expectedVersion: version - 1 }
  );
  const change = { moving: null, ...times() };
  const signedIn = session(n, { device: first, tokenHash: key(33, n * 256) });
  await store.accounts.register(named(n), { ...list([first], 1), change }, signedIn);
  say(n);
  await store.accounts.putRecovery(keeping(n, n * 2, { device: first, madeAtMs: T }));
  say(n);
  await store.accounts.recover({
    locatorHash: locator(n * 2, 0),
    bundle: { ...list([first, second], 2), change },
    keeping: keeping(n, n * 2 + 1, { device: second, madeAtMs: T + 1 }),
    record: "new",
    session: session(n, { device: second, tokenHash: key(33, n * 256 + 1) }),
  });
  say(n);
  await store.accounts.end(account, end(n), T + 1, times());
  say(n);
}
for (let n = 1;; n++) {
  await store.groups.enqueue(said(n, 1, { expiresAtMs: T + 1e9, tombstoneUntilMs: T + 2e9 }));
  say(n);
}
