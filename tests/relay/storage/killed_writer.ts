/**
 * A process that claims KeyPackages or sends to a group of four, says each thing that is acknowledged, and is killed.
 * Arguments: the database, and `claim` or `send`.
 * @module
 */
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import { said } from "../../contracts/group_scene.ts";
import { device, key, roomy, T } from "../../contracts/store_contract.ts";

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
for (let n = 1;; n++) {
  await store.groups.enqueue(said(n, 1, { expiresAtMs: T + 1e9, tombstoneUntilMs: T + 2e9 }));
  say(n);
}
