/** Files too large for a message: sent, fetched, broken off and continued, through a real relay. @module */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import net from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { cast, errorOf, type Member, row } from "./harness.ts";

const { world, relay, ada, bob } = await cast("ada", "bob");
const MIB = 1024 * 1024;

/** Bytes that compress to nothing and repeat nowhere. */
function noise(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65_536)));
  return bytes;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Between a person and the relay: counts what goes through, and says when so much has. */
async function counter({ port: behind, address } = relay) {
  let [up, down] = [0, 0];
  const waiting: { reached: () => boolean; resolve: () => void }[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((front) => {
    const back = net.connect(behind, "127.0.0.1");
    for (const socket of [front, back]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        front.destroy();
        back.destroy();
      });
    }
    front.on("data", (data) => count(data.length, 0));
    back.on("data", (data) => count(0, data.length));
    front.pipe(back).pipe(front);
  });
  const count = (more: number, less: number) => {
    up += more;
    down += less;
    for (const { reached, resolve } of waiting) if (reached()) resolve();
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  const when = (reached: () => boolean) => new Promise<void>((resolve) => waiting.push({ reached, resolve }));
  return {
    address: address.replace(/:\d+$/, `:${port}`),
    get up() {
      return up;
    },
    get down() {
      return down;
    },
    sent: (bytes: number) => when(() => up >= bytes),
    came: (bytes: number) => when(() => down >= bytes),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function waiting(person: Member): Promise<{ number: number; name: string; size: number; sha256: string }[]> {
  const lines = await person.ok(["file", "list", "--json"]);
  return lines.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

for (const via of ["mls", "sealed"]) {
  row(`a file of 20 MB arrives byte for byte (${via}), in a private file under its own name`, async () => {
    const bytes = noise(20_000_000);
    ada.file(`big ${via}.bin`, bytes);
    const flags = via === "sealed" ? ["--sealed"] : [];
    await ada.ok(["send", bob.id, "with a file", "-f", `big ${via}.bin`, ...flags]);
    const line = JSON.parse(await bob.ok(["fetch", "--json", "--save-dir", "in"]));
    assert.deepEqual([line.text, line.via], ["with a file", via]);
    const path = join("in", `big ${via}.bin`);
    assert.deepEqual(line.files, [{ name: `big ${via}.bin`, size: 20_000_000, sha256: sha256(bytes), path }]);
    assert.ok(sha256(Deno.readFileSync(bob.path(path))) === sha256(bytes));
    assert.equal(Deno.statSync(bob.path(path)).mode! & 0o777, 0o600);
    assert.deepEqual([...Deno.readDirSync(bob.path("in"))].filter(({ name }) => name.endsWith(".part")), []);
    assert.deepEqual(await waiting(bob), [], "nothing waits any more");
  });
}

row(
  "a file that fetch did not save waits at the relay: file list shows it, file get brings it, purge forgets",
  async () => {
    const bytes = noise(MIB);
    ada.file("later.bin", bytes);
    ada.file("never.bin", noise(MIB));
    await ada.ok(["send", bob.id, "-f", "later.bin"]);
    await ada.ok(["send", bob.id, "-f", "never.bin"]);
    const { stdout, stderr } = await bob.run(["fetch", "--json"]);
    const [first] = stdout.split("\n").map((line) => line && JSON.parse(line));
    assert.deepEqual(first.files, [{ name: "later.bin", size: MIB, sha256: sha256(bytes) }], stderr);
    assert.match(stderr, /qight file get NUMBER/);
    assert.equal(await bob.ok(["fetch"]), "", "both messages were acknowledged");
    const [later, never] = await waiting(bob);
    assert.deepEqual([later.name, later.size, later.sha256], ["later.bin", MIB, sha256(bytes)]);
    assert.match(
      await bob.ok(["file", "list"]),
      new RegExp(`^${later.number} {2}later.bin {2}${MIB} bytes {2}at the relay$`, "m"),
    );
    bob.file("taken.bin", "mine");
    const taken = await bob.run(["file", "get", String(later.number), "-o", "taken.bin", "--json"]);
    assert.deepEqual([taken.code, errorOf(taken).code], [73, "would_overwrite"]);
    assert.equal(Deno.readTextFileSync(bob.path("taken.bin")), "mine");
    assert.equal(await bob.ok(["file", "get", String(later.number), "-o", "got.bin"]), "got.bin");
    assert.ok(sha256(Deno.readFileSync(bob.path("got.bin"))) === sha256(bytes));
    const again = await bob.run(["file", "get", String(later.number), "--json"]);
    assert.deepEqual([again.code, errorOf(again).code], [67, "no_such_file"]);
    assert.match(errorOf(again).message, /saved as got\.bin/);
    assert.equal(await bob.ok(["file", "purge"]), "files forgotten: 1");
    const gone = await bob.run(["file", "get", String(never.number), "--json"]);
    assert.deepEqual([gone.code, errorOf(gone).code], [67, "no_such_file"]);
  },
);

row(
  "expectation 48: an upload that was killed goes on where it stopped: nothing goes over the line twice",
  async () => {
    const bytes = noise(20 * MIB);
    ada.file("film.bin", bytes);
    await using first = await counter();
    const killed = ada.start(["send", bob.id, "-f", "film.bin", "--relay", first.address]);
    await first.sent(8 * MIB);
    killed.signal("SIGKILL");
    assert.equal(await killed.ended, 137);
    await using second = await counter();
    await ada.ok(["send", bob.id, "-f", "film.bin", "--relay", second.address]);
    assert.ok(second.up < 13.5 * MIB, `${second.up} of ${bytes.length} bytes went again after ${first.up}`);
    await bob.ok(["fetch", "--save-dir", "film"]);
    assert.ok(sha256(Deno.readFileSync(bob.path("film/film.bin"))) === sha256(bytes));
  },
);

row(
  "a relay killed between chunks has what it acknowledged: the upload goes on; a backup brings the file back",
  async () => {
    const bytes = noise(20 * MIB);
    const old = await world.relay({ name: "killed" });
    const [kay, lou] = await Promise.all(["kay", "lou"].map((name) => world.member(name, old)));
    await lou.ok(["fetch"]);
    kay.file("long.bin", bytes);
    await using first = await counter(old);
    const args = ["send", lou.id, "-f", "long.bin", "--relay"];
    const broken = kay.start([...args, first.address]);
    await first.sent(8 * MIB);
    old.process.signal("SIGKILL");
    assert.equal(await old.process.ended, 137);
    assert.notEqual(await broken.ended, 0);
    const again = await world.relay({ name: "killed", port: old.port });
    await using second = await counter(again);
    await kay.ok([...args, second.address]);
    assert.ok(second.up < 13.5 * MIB, `${second.up} of ${bytes.length} bytes went again after ${first.up}`);
    const backup = world.operator.path("files.backup");
    await world.operator.ok(["relay", "backup", backup, "--plain", "--data-dir", again.dataDir]);
    await again.stop();
    await world.operator.ok(["relay", "restore", backup, "--force", "--data-dir", again.dataDir]);
    const back = await world.relay({ name: "killed", port: old.port });
    await lou.ok(["fetch", "--save-dir", "in"]);
    assert.ok(sha256(Deno.readFileSync(lou.path("in/long.bin"))) === sha256(bytes));
    await back.stop();
  },
);

row("expectation 48: a download that was killed goes on where it stopped", async () => {
  const bytes = noise(20 * MIB);
  ada.file("sea.bin", bytes);
  await ada.ok(["send", bob.id, "-f", "sea.bin"]);
  await bob.ok(["fetch"]);
  const [{ number }] = await waiting(bob);
  await using first = await counter();
  const killed = bob.start(["file", "get", String(number), "-o", "sea.bin", "--relay", first.address]);
  await first.came(8 * MIB);
  killed.signal("SIGKILL");
  assert.equal(await killed.ended, 137);
  assert.throws(() => Deno.statSync(bob.path("sea.bin")), Deno.errors.NotFound);
  const [part] = [...Deno.readDirSync(bob.home)].filter(({ name }) => name.endsWith(".part"));
  const had = Deno.statSync(bob.path(part.name));
  assert.equal(had.mode! & 0o777, 0o600);
  await using second = await counter();
  await bob.ok(["file", "get", String(number), "-o", "sea.bin", "--relay", second.address]);
  const missing = bytes.length - had.size;
  assert.ok(had.size > 4 * MIB && second.down < missing * 1.02 + MIB, `${second.down} came, ${missing} were missing`);
  assert.ok(sha256(Deno.readFileSync(bob.path("sea.bin"))) === sha256(bytes));
  assert.throws(() => Deno.statSync(bob.path(part.name)), Deno.errors.NotFound);
});

row("a part that somebody changed is found out, and the file comes anew", async () => {
  const bytes = noise(MIB);
  ada.file("tampered.bin", bytes);
  await ada.ok(["send", bob.id, "-f", "tampered.bin"]);
  const line = JSON.parse(await bob.ok(["fetch", "--json"]));
  const [{ number }] = await waiting(bob);
  assert.equal(line.files[0].sha256, sha256(bytes));
  await using first = await counter();
  const killed = bob.start(["file", "get", String(number), "--relay", first.address]);
  await first.came(512 * 1024);
  killed.signal("SIGKILL");
  assert.equal(await killed.ended, 137);
  const [part] = [...Deno.readDirSync(bob.home)].filter(({ name }) => name.endsWith(".part"));
  assert.ok(part, "nothing of the file was there when the command was killed");
  Deno.writeFileSync(bob.path(part.name), noise(3 * 65_536));
  await bob.ok(["file", "get", String(number)]);
  assert.ok(sha256(Deno.readFileSync(bob.path("tampered.bin"))) === sha256(bytes));
});

row("a file whose name would leave the folder or steer the terminal is saved under a harmless one", async () => {
  // The name is the base of a path here; what a sender of another program writes is tests/commands/parts_test.ts.
  const name = "\u001b[31mevil\u202e.bin";
  ada.file(name, noise(MIB));
  await ada.ok(["send", bob.id, "-f", name]);
  await bob.ok(["fetch"]);
  const listed = await bob.ok(["file", "list"]);
  // deno-lint-ignore no-control-regex
  assert.ok(!/[\u001b\u202e]/.test(listed), JSON.stringify(listed));
  const [{ number }] = await waiting(bob);
  assert.equal(await bob.ok(["file", "get", String(number)]), "[31mevil.bin");
});

row("a file that was changed at the relay is refused with 65, and nothing of it is put in its place", async () => {
  ada.file("honest.bin", noise(MIB));
  await ada.ok(["send", bob.id, "-f", "honest.bin"]);
  await bob.ok(["fetch"]);
  const [{ number }] = (await waiting(bob)).slice(-1);
  const db = new DatabaseSync(join(relay.dataDir, "relay.db"));
  const { slot, bytes } = db.prepare("SELECT slot, bytes FROM blob_chunks ORDER BY slot DESC LIMIT 1").get() as {
    slot: number;
    bytes: Uint8Array;
  };
  bytes[100] ^= 1;
  db.prepare("UPDATE blob_chunks SET bytes = ?, crc = ? WHERE slot = ?").run(bytes, crc32(bytes), slot);
  db.close();
  const refused = await bob.run(["file", "get", String(number), "-o", "honest.bin", "--json"]);
  assert.deepEqual([refused.code, errorOf(refused).code], [65, "bad_blob"]);
  assert.throws(() => Deno.statSync(bob.path("honest.bin")), Deno.errors.NotFound);
});

row("a file that nobody can send is refused before anything goes out", async () => {
  ada.file("huge.bin", new Uint8Array(50 * MIB + 1));
  const refused = await ada.run(["send", bob.id, "-f", "huge.bin", "--json"]);
  assert.deepEqual([refused.code, errorOf(refused).code], [65, "message_too_large"]);
  ada.file("plain.bin", noise(MIB));
  const plain = await ada.run(["send", bob.id, "-f", "plain.bin", "--plaintext", "--json"]);
  assert.deepEqual([plain.code, errorOf(plain).code], [65, "message_too_large"], plain.stderr);
});

row(
  "send --queue brings a large file at once; while the relay is away it is refused with 65, and nothing waits",
  async () => {
    const bytes = noise(MIB);
    ada.file("queued.bin", bytes);
    const args = ["send", bob.id, "-f", "queued.bin", "--queue", "--json"];
    const away = relay.address.replace(/:\d+$/, ":1");
    const refused = await ada.run([...args, "--relay", away, "--timeout", "2s"]);
    assert.deepEqual([refused.code, errorOf(refused).code, refused.stdout], [65, "message_too_large", ""]);
    assert.match(errorOf(refused).message, /while the relay is away --queue keeps up to 262144/);
    assert.equal(JSON.parse(await ada.ok(args)).queued, true);
    await bob.ok(["fetch", "--save-dir", "queue"]);
    assert.ok(sha256(Deno.readFileSync(bob.path("queue/queued.bin"))) === sha256(bytes));
  },
);

row("fetch --exec leaves a message whose files it would not hand on, with a line; --save-dir takes it", async () => {
  ada.file("exec.bin", noise(MIB));
  ada.file("exec.txt", "small");
  await ada.ok(["send", bob.id, "large", "-f", "exec.bin"]);
  await ada.ok(["send", bob.id, "small", "-f", "exec.txt"]);
  const command = ["--exec", "--", "sh", "-c", "cat; echo"];
  for (const flags of [[], ["--json"]]) {
    const left = await bob.run(["fetch", ...flags, ...command]);
    assert.deepEqual([left.code, left.stdout], [0, ""]);
    assert.equal(left.stderr.match(/kept at the relay until fetched with --save-dir DIR$/gm)?.length, 2, left.stderr);
  }
  await ada.ok(["send", bob.id, "none"]);
  const saving = ["--exec", "--", "sh", "-c", 'cat; echo; printf "<%s>\n" "$QIGHT_FILES"'];
  assert.deepEqual((await bob.ok(["fetch", "--save-dir", "exec", ...saving])).split("\n"), [
    ...["large", "<exec/exec.bin>", "small", "<exec/exec.txt>", "none", "<>"],
  ]);
  assert.equal(Deno.statSync(bob.path("exec/exec.bin")).size, MIB);
  assert.equal(await bob.ok(["fetch"]), "");
});
