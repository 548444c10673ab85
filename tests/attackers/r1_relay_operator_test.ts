/**
 * R1, the relay's operator: whoever has its disk, its log and its memory reads no message, and no byte can be changed.
 * @module
 */
import Database from "better-sqlite3";
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { filesBelow, Needles } from "./needles.ts";
import { openPostOffice } from "./post_office.ts";
import { memoryIsHidden, memoryOf } from "./process_memory.ts";

const hidden = memoryIsHidden();
const BLOBS = 1000;

Deno.test({ name: "R1", sanitizeOps: false, sanitizeResources: false, fn: asOperator });

async function asOperator(t: Deno.TestContext): Promise<void> {
  await using office = await openPostOffice({ QIGHT_CFG__STORAGE__MAX_QUEUE: "5000" });
  const { relay, secrets, plain, world, bob } = office;
  // What must be there, so that an empty dump or a wrong folder is not taken for a good one.
  const present = new Needles().text("plain", plain);

  await t.step("R1: no plaintext and no secret key stands in the relay's database, its log and its other files", () => {
    let found = 0;
    for (const { path, bytes } of filesBelow(relay.dataDir)) {
      found += present.in(bytes).length;
      assert.deepEqual(secrets.in(bytes), [], path);
    }
    assert.ok(found > 0, "the message that was sent for everybody to read is not there: the search is blind");
    assert.match(relay.process.stderr(), /relay started/);
    assert.deepEqual(secrets.in(relay.process.stderr()), []);
  });

  await t.step({
    name: `R1: no plaintext and no secret key stands in the relay's memory${hidden ? ` (${hidden})` : ""}`,
    ignore: hidden !== null,
    fn: () => {
      let found = 0;
      for (const piece of memoryOf(relay.process.pid)) {
        found += present.in(piece).length;
        assert.deepEqual(secrets.in(piece), []);
      }
      assert.ok(found > 0, "the message that was sent for everybody to read is not there: the search is blind");
    },
  });

  await t.step(`R1: none of ${BLOBS} stored messages with a changed byte is shown, and the true ones are`, async () => {
    assert.equal(await relay.stop(), 0);
    const honest = plantDamagedCopies(`${relay.dataDir}/relay.db`, bob.deviceKey);
    await world.relay({ port: relay.port });
    const told = (await bob.ok(["fetch", "--json", "--events"])).split("\n").map((line) => JSON.parse(line));
    assert.equal(told.filter(({ type }) => type === "message").length, honest);
    const unreadable = told.filter(({ type }) => type === "unreadable");
    assert.equal(unreadable.length, BLOBS);
    assert.deepEqual(secrets.in(JSON.stringify(unreadable)), []);
  });
}

/**
 * Does what an operator with a SQL shell can do: copies of stored envelopes, one byte changed in each (and the checksum of
 * the row made right), in front of the reader. Answers how many honest messages are there.
 */
function plantDamagedCopies(path: string, device: Uint8Array): number {
  const db = new Database(path);
  try {
    const mailbox = db.prepare("SELECT id, next_seq FROM mailboxes WHERE device = ?").get(device) as {
      id: number;
      next_seq: number;
    };
    const rows = db.prepare("SELECT received, expires, envelope FROM messages WHERE slot >> 36 = ? ORDER BY slot")
      .all(mailbox.id) as { received: number; expires: number; envelope: Uint8Array }[];
    const insert = db.prepare(
      "INSERT INTO messages (slot, received, expires, crc, envelope) VALUES ((? << 36) | ?, ?, ?, ?, ?)",
    );
    let bytes = 0;
    db.transaction(() => {
      for (let n = 0; n < BLOBS; n++) {
        const { received, expires, envelope } = rows[n % rows.length];
        const changed = Uint8Array.from(envelope);
        // Spread over the whole envelope, another bit each time: every byte of a short one is met.
        changed[Math.floor(n * changed.length / BLOBS)] ^= 1 << (n % 8);
        insert.run(mailbox.id, mailbox.next_seq + n, received, expires, crc32(changed), changed);
        bytes += changed.length;
      }
      db.prepare(
        "UPDATE mailboxes SET next_seq = next_seq + ?, messages = messages + ?, bytes = bytes + ? WHERE id = ?",
      ).run(BLOBS, BLOBS, bytes, mailbox.id);
    })();
    return rows.length;
  } finally {
    db.close();
  }
}
