/**
 * C7, a stolen device: an old copy of its disk that comes back after the device was revoked, with everything that was on
 * it, and a device that somebody wrote into the relay's database. Which lists a relay takes at all is swept in
 * tests/relay/voucher_test.ts.
 * @module
 */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { openKeyFile } from "../../client/storage/key_file.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { parseAccountId } from "../../crypto/account.ts";
import { openBundle, signBundle } from "../../crypto/bundle.ts";
import { signVoucher } from "../../crypto/voucher.ts";
import { errorOf, type Member, type RunningRelay, World } from "../commands/harness.ts";
import { refusal } from "../helpers/refusal.ts";

Deno.test({ name: "C7", sanitizeOps: false, sanitizeResources: false, fn: asThief });

/** Ada's laptop, her phone that is stolen, and bob, who writes to her. */
async function scene(world: World, relay: RunningRelay) {
  const laptop = await world.member("laptop", relay);
  const bob = await world.member("bob", relay);
  const phone = world.person("phone", { QIGHT_RELAY: relay.address });
  const waiting = phone.start(["device", "link", "--no-passphrase", "--name", "phone"]);
  await laptop.ok(["device", "link", "-", "-y"], { stdin: (await waiting.line())! });
  assert.equal(await waiting.ended, 0, waiting.stderr());
  await bob.ok(["contact", "add", "ada", laptop.id]);
  await bob.ok(["send", "ada", "before the theft"]);
  for (const at of [laptop, phone]) await at.ok(["fetch"]);
  await phone.ok(["send", bob.id, "still mine"]);
  for (const at of [bob, laptop]) await at.ok(["fetch"]);
  return { laptop, bob, phone };
}

async function asThief(t: Deno.TestContext): Promise<void> {
  await using world = new World();
  const relay = await world.relay();
  const { laptop, bob, phone } = await scene(world, relay);
  // The whole disk, taken while the device was one of hers.
  const copy = world.person("copy", { QIGHT_RELAY: relay.address });
  await copyFolder(phone.path("data"), copy.path("data"));
  const { account, device, secrets } = await openKeyFile(`${copy.path("data")}/qight/identity.key`, null);
  await laptop.ok(["device", "revoke", "phone", "-y"]);
  await bob.ok(["fetch"]);
  const connect = () => RelayClient.connect(relay.address, { signer: device });
  const stored = async (at: RelayClient) => await openBundle((await at.getBundle({ account: account.hash }))!);

  await t.step("C7: the old disk neither sends nor fetches nor changes anything of the account", async () => {
    const rows = [
      ["fetch"],
      ["send", bob.id, "it is me, ada"],
      ["send", bob.id, "--queue", "it is me, ada"],
      ["send", laptop.id, "to myself"],
      ["key", "rotate"],
      ["device", "list"],
      ["device", "revoke", "device", "-y"],
      ["device", "rename", "phone", "laptop"],
    ];
    for (const args of rows) {
      const outcome = await copy.run([...args, "--json"]);
      // What is queued is promised to go out later; it never does.
      if (args.includes("--queue") && outcome.code === 0) continue;
      assert.deepEqual([outcome.code, errorOf(outcome).code], [77, "not_listed"], args.join(" "));
    }
    for (const at of [bob, laptop]) assert.equal(await at.ok(["fetch"]), "", "nothing of it arrived");
  });

  await t.step("C7: with the account's seed it signs lists with itself, and none comes to the relay", async () => {
    await using relayed = await connect();
    const current = await stored(relayed);
    const old = { key: device.publicKey, name: "phone", addedAtMs: Date.now() };
    const fields = {
      version: current.version + 1000,
      createdAtMs: Date.now(),
      expiresAtMs: current.expiresAtMs + 1000,
      devicesOnly: true,
    };
    const back = await signBundle(account, { ...fields, devices: [...current.devices, old] });
    const alone = await signBundle(account, { ...fields, devices: [old] });
    const forgetful = await signBundle(account, { ...fields, devices: [...current.devices, old], devicesOnly: false });
    const rows = [
      { what: "back on the list", list: back, code: "not_listed" },
      {
        what: "back on the list by its own word",
        list: back,
        voucher: await signVoucher(device, back, Date.now() + 600_000),
        code: "not_listed",
      },
      {
        what: "everybody else off it",
        list: alone,
        voucher: await signVoucher(device, alone, Date.now() + 600_000),
        code: "not_listed",
      },
      { what: "as if nobody had been revoked", list: forgetful, code: "key_changed" },
    ];
    for (const { what, list, voucher, code } of rows) {
      const refused = await refusal(() =>
        relayed.publishBundle(list.bytes, current.version, voucher ? { voucher } : {})
      );
      assert.equal(refused.code, code, what);
    }
    assert.deepEqual((await stored(relayed)).hash, current.hash);
  });

  await t.step("C7: the seed on a fresh machine is no way in either", async () => {
    const fresh = world.person("fresh", { QIGHT_RELAY: relay.address });
    await fresh.ok(["key", "import", "--no-publish"], { stdin: await copy.ok(["key", "export"]) });
    const outcome = await fresh.run(["send", bob.id, "it is me, ada", "--json"]);
    assert.deepEqual([outcome.code, errorOf(outcome).code], [77, "not_listed"]);
    assert.equal(secrets.accountSeed.length, 32);
    assert.deepEqual(names(await laptop.ok(["device", "list", "--json"])), ["device"]);
  });

  await t.step("C7: what is written to the account afterwards does not open for the old disk", async () => {
    await bob.ok(["send", "ada", "after the theft"]);
    assert.match(await laptop.ok(["fetch"]), / after the theft$/);
    await using relayed = await connect();
    assert.deepEqual(await arrivals(relayed), []);
  });

  await t.step("C7: a device that was written into the relay's database gets nothing, and nobody sees it", async () => {
    const eve = world.person("eve");
    await eve.ok(["key", "gen", "--no-passphrase"]);
    const { device: thief, fingerprint } = await openKeyFile(`${eve.path("data")}/qight/identity.key`, null);
    await writtenIn(relay, world, laptop, thief.publicKey);
    await bob.ok(["send", "ada", "for ada alone"]);
    await bob.ok(["send", "ada", "--plaintext", "in the open"]);
    const lists = [await laptop.ok(["device", "list", "--json"]), await bob.ok(["check-key", laptop.id, "--json"])];
    for (const list of lists) assert.ok(!list.includes(fingerprint) && list.includes("device"), list);
    assert.match(await laptop.ok(["fetch"]), / for ada alone\n.* in the open$/);
    await using intruder = await RelayClient.connect(relay.address, { signer: thief });
    assert.deepEqual(await arrivals(intruder), []);
  });
}

/** Adds the device to the account's row, as who can write the database does, while the relay is down. */
async function writtenIn(relay: RunningRelay, world: World, owner: Member, device: Uint8Array): Promise<void> {
  await relay.stop();
  const db = new Database(`${relay.dataDir}/relay.db`);
  const row = db.prepare("UPDATE accounts SET devices = CAST(devices || ? AS BLOB) WHERE account = ?");
  assert.equal(row.run(device, parseAccountId(owner.id)).changes, 1);
  db.close();
  await world.relay({ port: relay.port });
}

/** Numbers of what waits in the mailbox of a session's device. */
async function arrivals(at: RelayClient): Promise<number[]> {
  const came: number[] = [];
  for await (const event of at.fetch({ peek: true })) if (event.type === "delivered") came.push(event.seq);
  return came;
}

function names(lines: string): string[] {
  return lines.split("\n").map((line) => JSON.parse(line).name);
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
