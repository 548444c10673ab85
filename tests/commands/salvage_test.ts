/** qight relay salvage: a damaged data folder gives up what can be read, and stays as it is. @module */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import Database from "better-sqlite3";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
const { operator } = world;
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

type Member = Awaited<ReturnType<World["member"]>>;

/** A stopped relay with ten messages for one reader, who leaves KeyPackages there. */
async function relayWithMail(
  name: string,
  flags: readonly string[] = [],
): Promise<{ relay: RunningRelay; from: Member; to: Member }> {
  const relay = await world.relay({ name });
  const [from, to] = await Promise.all([world.member(`${name}-from`, relay), world.member(`${name}-to`, relay)]);
  await to.ok(["fetch"]);
  const words = Array.from({ length: 10 }, (_, i) => `word ${i} `.repeat(80)).join("\n");
  await from.ok(["send", to.id, "--lines", ...flags], { stdin: words });
  assert.equal(await relay.stop(), 0);
  return { relay, from, to };
}

/** Every file of a folder with its bytes, modes and times of change. */
function pictureOf(folder: string): Record<string, string> {
  const files = [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map(({ name }) => name).sort();
  return Object.fromEntries(files.map((name) => {
    const { mode, mtime } = Deno.statSync(join(folder, name));
    return [name, `${mode} ${mtime?.getTime()} ${Deno.readFileSync(join(folder, name)).toBase64()}`];
  }));
}

row(
  "a relay whose database lost its head is refused with 74; salvage makes a folder on which it serves again",
  async () => {
    const { relay, from, to } = await relayWithMail("headless");
    const path = join(relay.dataDir, "relay.db");
    const bytes = Deno.readFileSync(path);
    Deno.writeFileSync(path, bytes.fill(0xee, 0, 100));
    const start = ["relay", "--listen", `127.0.0.1:${relay.port}`, "--data-dir", relay.dataDir, "--json"];
    const refused = await operator.run(start, { env: { QIGHT_CFG__HTTP__LISTEN: "" } });
    assert.deepEqual([refused.code, errorOf(refused).code], [74, "store_damaged"]);
    const before = pictureOf(relay.dataDir);

    const out = operator.path("rescued");
    const done = await operator.run(["relay", "salvage", "--data-dir", relay.dataDir, "--out", out, "-v"]);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /^salvaged 10 messages of 2 mailboxes and 1 conversations into .*rescued\n$/);
    assert.match(done.stderr, /^read 50 %$/m);
    assert.deepEqual(pictureOf(relay.dataDir), before, "the damaged folder is only read");
    assert.equal(Deno.statSync(out).mode! & 0o777, 0o700);
    assert.equal(Deno.statSync(join(out, "relay.db")).mode! & 0o777, 0o600);

    const again = await world.relay({ name: "operator/rescued", port: relay.port });
    assert.equal(again.address, relay.address);
    const sent = JSON.parse(await from.ok(["send", to.id, "after the rescue", "--json"]));
    assert.equal(sent.via, "mls", "their conversation goes on");
    const lines = (await to.ok(["fetch"])).split("\n");
    assert.equal(lines.filter((line) => /word \d/.test(line)).length, 10);
    assert.match(lines.at(-1)!, /after the rescue$/);
    await again.stop();
  },
);

row(
  "regression: salvage brings a waiting file along, byte for byte, and takes its index for no expired range",
  async () => {
    const relay = await world.relay({ name: "filed" });
    const [from, to] = await Promise.all([world.member("filed-from", relay), world.member("filed-to", relay)]);
    await to.ok(["fetch"]);
    const bytes = crypto.getRandomValues(new Uint8Array(65_536)).toBase64().repeat(10);
    await from.ok(["send", to.id, "-f", from.file("waits.bin", bytes)]);
    await relay.stop();
    const out = operator.path("filed");
    const done = await operator.run(["relay", "salvage", "--data-dir", relay.dataDir, "--out", out, "--json"]);
    const { blobs, lost_files } = JSON.parse(done.stdout);
    assert.deepEqual([done.code, blobs, lost_files], [0, 1, 0], done.stderr);
    const again = await world.relay({ name: "operator/filed", port: relay.port });
    await to.ok(["fetch", "--save-dir", "in"]);
    assert.ok(Deno.readTextFileSync(to.path("in/waits.bin")) === bytes);
    await again.stop();
  },
);

row("salvage says which message is lost, in words and in JSON, and ends with 74", async () => {
  const { relay } = await relayWithMail("flipped", ["--sealed"]);
  const path = join(relay.dataDir, "relay.db");
  flipInsideEnvelope(path);
  const salvage = ["relay", "salvage", "--data-dir", relay.dataDir, "--out"];
  const done = await operator.run([...salvage, operator.path("words")]);
  assert.equal(done.code, 74);
  assert.match(done.stdout, /^salvaged 9 messages of 2 mailboxes/);
  assert.match(done.stderr, /^lost: message \d+ to SHA256:\S+$/m);
  assert.match(done.stderr, /Not everything could be read: messages lost: 1/);
  const json = await operator.run([...salvage, operator.path("json"), "--json"]);
  const { messages, lost, damaged, root_key } = JSON.parse(json.stdout);
  assert.deepEqual({ messages, lost, root_key, code: errorOf(json).code }, {
    messages: 9,
    lost: 1,
    root_key: true,
    code: "store_damaged",
  });
  assert.equal(damaged.length, 1);
});

/** Changes one byte of a stored envelope wherever it lies: pages that were split keep dead copies of what they held. */
function flipInsideEnvelope(path: string): void {
  const database = new Database(path, { readonly: true });
  const envelope = database.prepare("SELECT envelope FROM messages LIMIT 1").pluck().get() as Uint8Array;
  database.close();
  const file = Deno.readFileSync(path);
  const text = Buffer.from(file.buffer);
  // Bytes of ciphertext are found nowhere else; a stretch across two pages is not found, then the next one serves.
  for (let from = envelope.length >> 1; from + STRETCH <= envelope.length; from += STRETCH) {
    const stretch = envelope.subarray(from, from + STRETCH);
    let flipped = 0;
    for (let at = text.indexOf(stretch); at >= 0; at = text.indexOf(stretch, at + 1)) {
      file[at] ^= 1;
      flipped++;
    }
    if (flipped > 0) return Deno.writeFileSync(path, file);
  }
  throw new Error("no stretch of the envelope lies in one piece");
}

const STRETCH = 16;

row(
  "salvage refuses a folder without a database, a full one, one inside the damaged one, and a running relay's",
  async () => {
    const relay = await world.relay({ name: "living" });
    const run = (...args: string[]) => operator.run(["relay", "salvage", ...args, "--json"]);
    const busy = await run("--data-dir", relay.dataDir, "--out", operator.path("busy"));
    assert.deepEqual([busy.code, errorOf(busy).code], [73, "already_running"]);
    await relay.stop();
    const inside = await run("--data-dir", relay.dataDir, "--out", join(relay.dataDir, "new"));
    assert.deepEqual([inside.code, errorOf(inside).code], [64, "usage"]);
    const full = await run("--data-dir", relay.dataDir, "--out", operator.home);
    assert.deepEqual([full.code, errorOf(full).code], [73, "would_overwrite"]);
    const nothing = await run("--data-dir", world.folder, "--out", "/elsewhere/nothing");
    assert.deepEqual([nothing.code, errorOf(nothing).code], [66, "no_input"]);
    const nowhere = await run("--data-dir", relay.dataDir);
    assert.deepEqual([nowhere.code, errorOf(nowhere).code], [64, "usage"]);
  },
);
