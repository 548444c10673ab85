/**
 * R4, whoever writes into the relay's database: a device put on somebody's list by SQL gets no message, changes no list,
 * and is on nobody's roster. The account's signature says which devices are its own, not the relay's rows.
 * @module
 */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { RelayClient } from "../../client/relay_client.ts";
import { accountFromSeed, parseAccountId } from "../../crypto/account.ts";
import { signVoucher } from "../../crypto/voucher.ts";
import { makeSealingKey } from "../../crypto/sealing_key.ts";
import { DirectoryService } from "../../proto/gen/qight/v1/directory_pb.ts";
import { freePort } from "../prove/processes.ts";
import { World } from "../commands/harness.ts";
import { deviceNumber, listOf } from "../helpers/device_lists.ts";
import { type Person, person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";

const HOUR_MS = 3600_000;

/** Writes a device into an account's rows, as whoever has the database may. */
function haunt(dataDir: string, account: Uint8Array, device: Uint8Array): void {
  const db = new Database(`${dataDir}/relay.db`);
  try {
    const { devices } = db.prepare("SELECT devices FROM accounts WHERE account = ?").get(account) as {
      devices: Uint8Array;
    };
    db.prepare("UPDATE accounts SET devices = ? WHERE account = ?").run(
      Uint8Array.from([...devices, ...device]),
      account,
    );
    assert.equal(db.prepare("UPDATE mailboxes SET account = ? WHERE device = ?").run(account, device).changes, 1);
    db.pragma("wal_checkpoint(TRUNCATE)");
  } finally {
    db.close();
  }
}

async function mailOf(client: RelayClient): Promise<number> {
  let mail = 0;
  for await (const event of client.fetch({ peek: true })) if (event.type === "delivered") mail++;
  return mail;
}

Deno.test({ name: "R4", sanitizeOps: false, sanitizeResources: false, fn: asWriterOfRows });

async function asWriterOfRows(t: Deno.TestContext): Promise<void> {
  await using world = new World();
  const port = freePort();
  const before = await world.relay({ port });
  const [ada, bob] = await Promise.all([world.member("ada", before), world.member("bob", before)]);
  await Promise.all([ada.ok(["fetch"]), bob.ok(["fetch"])]);
  const ghost = await person(200, Date.now());
  // Somebody who lost a device, revoked it, and whose seed the thief has.
  const victim = await accountFromSeed(new Uint8Array(32).fill(201));
  const [kept, stolen] = await Promise.all([201, 202].map(deviceNumber));
  const shrunk = await listOf(victim, Date.now(), Date.now(), [kept], { devicesOnly: true });
  for (const who of [ghost, { ...ghost, device: kept, bundle: shrunk }] satisfies Person[]) {
    await using client = await RelayClient.connect(before.address, { signer: who.device });
    await client.publishBundle(who.bundle.bytes, 0);
  }
  const thief = await accountFromSeed(new Uint8Array(32).fill(203));
  {
    await using client = await RelayClient.connect(before.address, { signer: stolen });
    await client.publishBundle((await listOf(thief, Date.now(), Date.now(), [stolen])).bytes, 0);
  }
  assert.equal(await before.stop(), 0);
  const bobs = parseAccountId(bob.id);
  haunt(before.dataDir, bobs, ghost.device.publicKey);
  haunt(before.dataDir, victim.hash, stolen.publicKey);
  const relay = await world.relay({ port });

  await t.step(
    "R4: a device added by SQL gets nothing of what is sent to the account, sealed or in a conversation",
    async () => {
      await using client = await RelayClient.connect(relay.address, { signer: ghost.device });
      const now = Date.now();
      const key = await makeSealingKey(ghost.device, bobs, new Uint8Array(32).fill(9), {
        createdAtMs: now,
        expiresAtMs: now + HOUR_MS,
      });
      // The rows say that it may: what counts is what senders make of it.
      await client.rpc.unary(DirectoryService.method.publishSealingKey, { sealingKey: key.bytes });
      const { sealingKeys } = await client.rpc.unary(DirectoryService.method.getSealingKeys, { account: bobs });
      assert.ok(sealingKeys.length >= 2, "the relay offers the ghost's key");
      await ada.ok(["send", bob.id, "sealed words", "--sealed"]);
      await ada.ok(["send", bob.id, "words in a conversation"]);
      assert.equal(await mailOf(client), 0);
      const read = await bob.ok(["fetch"]);
      assert.match(read, /sealed words/);
      assert.match(read, /words in a conversation/);
    },
  );

  await t.step(
    "R4: a row beside a stolen seed does not bring a revoked device back, not by its own word either",
    async () => {
      await using client = await RelayClient.connect(relay.address, { signer: stolen });
      const next = await listOf(victim, Date.now(), shrunk.version + 1, [kept, stolen], { devicesOnly: true });
      for (const voucher of [undefined, await signVoucher(stolen, next, Date.now() + 600_000)]) {
        const publish = () => client.publishBundle(next.bytes, shrunk.version, voucher ? { voucher } : {});
        assert.equal((await refusal(publish)).code, "not_listed");
      }
    },
  );
}
