/**
 * Linking a device, cut between any two steps of either end: the same commands again bring it to its end, and whatever
 * happened the account has its devices, and the machine the key that it had.
 * @module
 */
import assert from "node:assert/strict";
import { openKeyFile } from "../../client/storage/key_file.ts";
import { Cut, during, type How, someOf, WORDS } from "./cut.ts";
import type { Machine } from "./machine.ts";
import { deviceOf, link, Street, texts } from "./street.ts";

/** The account with a contact and a group, and a machine that has an account of its own. */
interface Scene {
  readonly street: Street;
  readonly old: Machine;
  readonly id: string;
  readonly bob: Machine;
  readonly fresh: Machine;
  readonly former: Uint8Array;
}

/** `returns`: the machine was one of the account's devices, and was revoked. */
async function scene(street: Street, returns = false): Promise<Scene> {
  const [{ machine: old, id }, { machine: bob, id: bobId }, { machine: fresh }] = [
    await street.member("old"),
    await street.member("bob"),
    await street.member("fresh"),
  ];
  await bob.ok(["fetch"]);
  await old.ok(["contact", "add", "bob", bobId]);
  await old.ok(["group", "create", "team", bobId]);
  await bob.ok(["fetch"]);
  await fresh.ok(["fetch"]);
  const { secrets } = await openKeyFile(fresh.keyFile, null);
  const at = { street, old, id, bob, fresh, former: secrets.accountSeed };
  if (!returns) return at;
  await link(old, fresh);
  for (const machine of [fresh, old]) await machine.ok(["fetch"]);
  await old.ok(["device", "revoke", (await openKeyFile(fresh.keyFile, null)).fingerprint, "-y"]);
  return at;
}

/** What holds whatever happened. */
async function holds({ street, old, id, fresh, former }: Scene): Promise<void> {
  const { devices } = await street.listOf(id);
  assert.ok(devices.includes(await deviceOf(old)), "the account has its old device");
  const { secrets, account } = await openKeyFile(fresh.keyFile, null);
  const kept = [secrets.accountSeed, ...secrets.retired ?? []].map((seed) => seed.toHex());
  assert.equal(kept.filter((seed) => seed === former.toHex()).length, 1, "the key that the machine had is kept, once");
  if (devices.includes(await deviceOf(fresh))) assert.equal(account.id, id, "who is listed has the key");
  assert.deepEqual(await texts(old), []);
}

/** Does it again, as a person would, and looks whether both devices are whole. */
async function finishes(at: Scene): Promise<void> {
  const { street, old, id, bob, fresh } = at;
  const again = await link(old, fresh);
  if (again.old.error) {
    assert.match(again.old.error.message, /one of yours already/, again.old.error.message);
    assert.equal(again.fresh.error?.code, "interrupted");
  } else assert.equal(again.fresh.error, null);
  await holds(at);
  assert.equal((await street.listOf(id)).devices.length, 2);
  for (const machine of [old, fresh, old, fresh]) await machine.ok(["fetch"]);
  await bob.ok(["fetch"]);
  await bob.ok(["send", id, "to both"]);
  await bob.ok(["send", "#team", "to the team"]);
  for (const machine of [old, fresh]) {
    assert.deepEqual((await texts(machine)).sort(), ["to both", "to the team"], machine.name);
    assert.match((await machine.ok(["contact", "list"])).join("\n"), /^bob /);
  }
  await fresh.ok(["send", "bob", "from the new one"]);
  assert.deepEqual(await texts(bob), ["from the new one"]);
  assert.deepEqual(await texts(old), ["from the new one"]);
}

async function counted(): Promise<{ readonly fresh: Cut; readonly old: Cut }> {
  await using street = await Street.open();
  const at = await scene(street);
  const cuts = { fresh: new Cut(Infinity), old: new Cut(Infinity) };
  const { fresh, old } = await link(at.old, at.fresh, { cutFresh: cuts.fresh, cutOld: cuts.old });
  assert.deepEqual([fresh.error, old.error], [null, null]);
  return cuts;
}

Deno.test("a revoked device that is linked again, killed between any two steps, is whole by doing it again", async () => {
  const cut = new Cut(Infinity);
  {
    await using street = await Street.open();
    const { old, fresh } = await scene(street, true);
    assert.equal((await link(old, fresh, { cutFresh: cut })).fresh.error, null);
  }
  for (const step of someOf(cut.count, "ends")) {
    await using street = await Street.open();
    const at = await scene(street, true);
    const cutFresh = new Cut(step);
    const { fresh } = await link(at.old, at.fresh, { cutFresh });
    await during(`step ${step} of ${cut.count}, ${cutFresh.struck}: ${fresh.error?.message}`, async () => {
      assert.notEqual(cutFresh.struck, null);
      await holds(at);
      await finishes(at);
    });
  }
});

for (const end of ["fresh", "old"] as const) {
  for (const how of ["ends", "fails", "unheard"] as const satisfies readonly How[]) {
    Deno.test(`a link whose ${end === "fresh" ? "new" : "old"} end ${WORDS[how]} is finished by doing it again`, async () => {
      const { count } = (await counted())[end];
      for (const step of someOf(count, how)) {
        await using street = await Street.open();
        const at = await scene(street);
        const cut = new Cut(step, how);
        const done = await link(at.old, at.fresh, end === "fresh" ? { cutFresh: cut } : { cutOld: cut });
        await during(`${how} at step ${step} of ${count}, ${cut.struck}: ${done[end].error?.message}`, async () => {
          assert.notEqual(cut.struck, null);
          await holds(at);
          await finishes(at);
        });
      }
    });
  }
}
