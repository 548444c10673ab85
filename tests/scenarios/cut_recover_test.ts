/**
 * Coming back in with a recovery code, cut between any two steps: the same command again, or what it says then, brings it to
 * its end, what was kept comes back, and no code is shown that does not work.
 * @module
 */
import assert from "node:assert/strict";
import { openWithCode } from "../../client/accounts/recover.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { openKeyFile } from "../../client/storage/key_file.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { parseRecoveryCode } from "../../crypto/recovery_code.ts";
import { Cut, during, type How, someOf, WORDS } from "./cut.ts";
import type { Machine, Outcome } from "./machine.ts";
import { deviceOf, Street, texts } from "./street.ts";

/** An account whose device is lost, a machine that has another account, and a code. */
interface Scene {
  readonly street: Street;
  readonly lost: Machine;
  readonly id: string;
  readonly bob: Machine;
  readonly fresh: Machine;
  readonly former: Uint8Array;
  readonly recover: (cut?: Cut) => Promise<Outcome>;
}

async function scene(street: Street, revokes: boolean): Promise<Scene> {
  const [{ machine: lost, id }, { machine: bob, id: bobId }, { machine: fresh }] = [
    await street.member("lost"),
    await street.member("bob"),
    await street.member("fresh"),
  ];
  await bob.ok(["fetch"]);
  await lost.ok(["contact", "add", "bob", bobId]);
  await lost.ok(["group", "create", "team", bobId]);
  await bob.ok(["fetch"]);
  const [code] = await lost.ok(["account", "codes"]);
  await fresh.ok(["fetch"]);
  const { secrets } = await openKeyFile(fresh.keyFile, null);
  const words = ["account", "recover", id, "--no-passphrase", "--code-file", fresh.file("code", code), "-y"];
  if (revokes) words.push("--revoke-others");
  return { street, lost, id, bob, fresh, former: secrets.accountSeed, recover: (cut) => fresh.run(words, cut) };
}

/** What holds whatever happened; `shown`: what the command printed. */
async function holds({ street, id, fresh, former }: Scene, shown: readonly string[]): Promise<void> {
  const { devices } = await street.listOf(id);
  assert.ok(devices.length > 0, "the account has devices");
  const { secrets, account } = await openKeyFile(fresh.keyFile, null);
  const kept = [secrets.accountSeed, ...secrets.retired ?? []].map((seed) => seed.toHex());
  assert.equal(kept.filter((seed) => seed === former.toHex()).length, 1, "the key that the machine had is kept, once");
  if (devices.includes(await deviceOf(fresh))) assert.equal(account.id, id, "who is listed has the key");
  await using client = await RelayClient.connect(street.relay.address, {
    signer: await signerFromSeed(new Uint8Array(32)),
  });
  for (const code of shown.filter((line) => line.startsWith("qrc1"))) {
    assert.equal((await openWithCode(client, parseRecoveryCode(code))).account.id, id, "a code that was shown works");
  }
}

/** Does it again, as a person would, with what it says then; and looks whether all is back. */
async function finishes(at: Scene, revokes: boolean): Promise<void> {
  const { street, lost, id, bob, fresh } = at;
  const again = await at.recover();
  let shown = again.stdout;
  if (again.error) {
    // An earlier run came to its end, or nearly.
    assert.match(again.error.hint, /qight device list.*qight account codes/);
    shown = await fresh.ok(["account", "codes"]);
  }
  assert.equal(shown.length, 8);
  await holds(at, shown);
  const own = await deviceOf(fresh);
  if (revokes && again.error && (await street.listOf(id)).devices.length > 1) {
    await fresh.ok(["device", "revoke", "device", "-y"]);
  }
  assert.deepEqual((await street.listOf(id)).devices, revokes ? [own] : [own, await deviceOf(lost)].sort());
  for (const machine of [fresh, bob, fresh, bob]) await machine.ok(["fetch"]);
  await bob.ok(["send", id, "to you"]);
  await bob.ok(["send", "#team", "to the team"]);
  assert.deepEqual((await texts(fresh)).sort(), ["to the team", "to you"]);
  assert.match((await fresh.ok(["contact", "list"])).join("\n"), /^bob /);
  await fresh.ok(["send", "#team", "back again"]);
  assert.ok((await texts(bob)).includes("back again"));
  const lastOf = await lost.run(["fetch"]);
  assert.equal(lastOf.error?.code ?? null, revokes ? "not_listed" : null);
}

async function counted(revokes: boolean): Promise<number> {
  await using street = await Street.open();
  const at = await scene(street, revokes);
  const cut = new Cut(Infinity);
  assert.equal((await at.recover(cut)).error, null);
  return cut.count;
}

for (const revokes of [false, true]) {
  for (const how of ["ends", "fails", "unheard"] as const satisfies readonly How[]) {
    Deno.test(`a recovery${revokes ? " that revokes all others" : ""} that ${WORDS[how]} brings everything back in the end`, async () => {
      const count = await counted(revokes);
      for (const step of someOf(count, how)) {
        await using street = await Street.open();
        const at = await scene(street, revokes);
        const cut = new Cut(step, how);
        const { error, stdout } = await at.recover(cut);
        await during(`${how} at step ${step} of ${count}, ${cut.struck}: ${error?.message}`, async () => {
          assert.notEqual(cut.struck, null);
          await holds(at, stdout);
          await finishes(at, revokes);
        });
      }
    });
  }
}

Deno.test("codes of a recovery that was cut off are not shown when another device has made newer ones meanwhile", async () => {
  await using street = await Street.open();
  const at = await scene(street, false);
  const cut = new Cut(6);
  await at.recover(cut);
  assert.equal(cut.struck, "words");
  await at.lost.ok(["account", "codes"]);
  const { error, stdout } = await at.recover();
  assert.deepEqual([error?.code, stdout], ["code_unknown", []]);
  assert.match(error!.hint, /qight account codes/);
});
