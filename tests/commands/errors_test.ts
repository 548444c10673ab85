/** Error codes of proto/errors.ts, each provoked through the command line. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { errorTable } from "../../proto/errors.ts";
import { cast, cliArguments, errorOf, type Outcome, row } from "./harness.ts";
import { holdCall } from "./held_call.ts";

const { world, relay, ada, bob } = await cast("ada", "bob");

/** The JSON error has the code, and the process the exit code of the table. */
function assertFails(outcome: Outcome, code: keyof typeof errorTable): void {
  const error = errorOf(outcome);
  assert.equal(error.code, code, JSON.stringify(error));
  assert.equal(error.exit, errorTable[code].exit);
  assert.equal(outcome.code, errorTable[code].exit);
  assert.ok(error.message.length > 0);
}

const stranger = `qid1${"q".repeat(58)}`;
const addresses = [
  "127.0.0.1:4433",
  "http://127.0.0.1",
  "qight://short@127.0.0.1:1",
  "qight://127.0.0.1:99999",
  `qight://${"A".repeat(42)}B@127.0.0.1:1`,
];
for (const address of addresses) {
  row(`bad_address: --relay ${address}`, async () => {
    assertFails(await ada.run(["ping", "--json", "--relay", address]), "bad_address");
  });
}
for (const id of ["b ob", stranger, "qid1", "ab".repeat(31)]) {
  row(`bad_id: send to ${id.slice(0, 20)}`, async () => {
    assertFails(await ada.run(["send", id, "x", "--json"]), "bad_id");
  });
}

row("no_such_recipient: an account that the relay never saw", async () => {
  assertFails(await ada.run(["send", "ab".repeat(32), "x", "--json"]), "no_such_recipient");
  assertFails(await ada.run(["check-key", "ab".repeat(32), "--json"]), "no_such_recipient");
});

row("message_too_large: a text above storage.max_message, and a file above 50 MiB", async () => {
  const text = "x".repeat(300 * 1024);
  assertFails(await ada.run(["send", bob.id, "-", "--json"], { stdin: text }), "message_too_large");
  const file = ada.path("big");
  Deno.writeFileSync(file, new Uint8Array(0));
  Deno.truncateSync(file, 51 * 1024 * 1024);
  assertFails(await ada.run(["send", bob.id, "-f", file, "--json"]), "message_too_large");
  assert.equal(await bob.ok(["fetch"]), "");
});

row("expectation 19: wrong_relay: another ROOT at the same place; nothing is sent", async () => {
  const other = relay.address.replace(/\/\/[^@]+@/, `//${"A".repeat(43)}@`);
  assertFails(await ada.run(["send", bob.id, "x", "--json", "--relay", other]), "wrong_relay");
});

row("bad_certificate: an address without ROOT of a relay whose certificate nobody vouches for", async () => {
  const bare = relay.address.replace(/\/\/[^@]+@/, "//");
  assertFails(await ada.run(["ping", "--json", "--relay", bare]), "bad_certificate");
});

row("unreachable: nobody listens there", async () => {
  const nobody = relay.address.replace(/:\d+$/, ":1");
  assertFails(await ada.run(["ping", "--json", "--relay", nobody, "--timeout", "2s"]), "unreachable");
  assertFails(await ada.run(["health", "--json", "--relay", nobody, "--timeout", "2s"]), "unreachable");
});

row("no_relay: none is chosen", async () => {
  assertFails(await ada.run(["send", bob.id, "x", "--json"], { env: { QIGHT_RELAY: "" } }), "no_relay");
});

row("id_conflict: another body under an id that the relay has", async () => {
  const twin = world.person("twin", { QIGHT_RELAY: relay.address });
  await twin.ok(["key", "import"], { stdin: await ada.ok(["key", "export", "--with-device"]) });
  const id = "0123456789abcdef0123456789abcdef";
  await ada.ok(["send", bob.id, "one", "--id", id]);
  assertFails(await twin.run(["send", bob.id, "two", "--id", id, "--json"]), "id_conflict");
  assert.match(await bob.ok(["fetch"]), /one$/);
});

row("rate_limited: more sends than limits.send_per_minute; says when to come again", async () => {
  const env = { QIGHT_CFG__LIMITS__SEND_PER_MINUTE: "1", QIGHT_CFG__LIMITS__SEND_BURST: "1" };
  const slow = await world.relay({ name: "slow", env });
  const user = await world.member("slowuser", slow);
  await user.ok(["send", user.id, "1"]);
  let outcome = await user.run(["send", user.id, "2", "--json"]);
  if (outcome.code === 0) outcome = await user.run(["send", user.id, "3", "--json"]);
  assertFails(outcome, "rate_limited");
  assert.ok((errorOf(outcome) as unknown as { retry_after: number }).retry_after > 0);
  await slow.stop();
});

row("queue_full: a mailbox with storage.max_queue messages; --lines waits for room by itself", async () => {
  const small = await world.relay({ name: "small", env: { QIGHT_CFG__STORAGE__MAX_QUEUE: "2" } });
  const [from, to] = await Promise.all([world.member("full1", small), world.member("full2", small)]);
  await from.ok(["send", to.id, "1", "--sealed"]);
  await from.ok(["send", to.id, "2", "--sealed"]);
  assertFails(await from.run(["send", to.id, "3", "--json", "--sealed"]), "queue_full");
  const lines = from.start(["send", to.id, "--lines", "--sealed"]);
  await lines.write("waited\n");
  await lines.closeStdin();
  // Only then is there room: else the line may find it before it ever waits.
  await lines.seen(/mailbox is full.*: waiting for room\n$/);
  assert.match(await to.ok(["fetch"]), /1\n.*2$/);
  assert.equal(await lines.ended, 0, lines.stderr());
  assert.match(await to.ok(["fetch"]), /waited$/);
  await small.stop();
});

row("unhealthy, draining: a relay that was told to drain and still has a call under way", async () => {
  const last = await world.relay({ name: "last" });
  const user = await world.member("lastuser", last);
  const lines = user.start(["send", user.id, "--lines", "--timeout", "1s"]);
  await lines.write("before\n");
  assert.match((await lines.line())!, /^[0-9a-f]{32}$/);
  const held = await holdCall(last.address);
  await world.operator.ok(["relay", "drain", "--data-dir", last.dataDir]);
  await last.process.seen(/draining/);
  assertFails(await world.operator.run(["health", "--json", "--data-dir", last.dataDir]), "unhealthy");
  await lines.write("too late\n");
  await lines.seen(/The relay is shutting down: waiting/);
  held.close();
  assert.equal(await last.process.ended, 0);
  assert.equal(await lines.ended, errorTable.unreachable.exit, lines.stderr());
});

row("storage_full: storage.max_total reached; reading still works and makes room", async () => {
  const env = { QIGHT_CFG__STORAGE__MAX_TOTAL: "1MiB", QIGHT_CFG__STORAGE__MAX_QUEUE_BYTES: "1MiB" };
  const tiny = await world.relay({ name: "tiny", env });
  const [from, to] = await Promise.all([world.member("tiny1", tiny), world.member("tiny2", tiny)]);
  const file = from.file("chunk", new Uint8Array(200 * 1024));
  let outcome = await from.run(["send", to.id, "-f", file, "--json"]);
  for (let sent = 1; outcome.code === 0 && sent < 8; sent++) {
    outcome = await from.run(["send", sent % 2 ? from.id : to.id, "-f", file, "--json"]);
  }
  assertFails(outcome, "storage_full");
  await to.ok(["fetch"]);
  await tiny.stop();
});

row("key_changed: a relay that was rolled back offers an older sealing key", async () => {
  const old = await world.relay({ name: "rolled" });
  const [from, to] = await Promise.all([world.member("roll1", old), world.member("roll2", old)]);
  const backup = world.operator.path("rolled.backup");
  await world.operator.ok(["relay", "backup", backup, "--plain", "--data-dir", old.dataDir]);
  await to.ok(["key", "rotate"]);
  await from.ok(["send", to.id, "to the new key", "--sealed"]);
  await old.stop();
  await world.operator.ok(["relay", "restore", backup, "--force", "--data-dir", old.dataDir]);
  const back = await world.relay({ name: "rolled", port: old.port });
  assertFails(await from.run(["send", to.id, "x", "--json", "--sealed"]), "key_changed");
  await back.stop();
});

row("store_damaged: a client store that is no database", async () => {
  const user = await world.member("damaged", relay);
  const stores = join(user.home, "data/qight/stores");
  for (const { name } of Deno.readDirSync(stores)) {
    if (name.endsWith(".db")) Deno.writeFileSync(join(stores, name), crypto.getRandomValues(new Uint8Array(8192)));
    else Deno.removeSync(join(stores, name));
  }
  assertFails(await user.run(["fetch", "--json"]), "store_damaged");
});

row("io: stdout that takes nothing", async () => {
  const { code, stderr } = new Deno.Command("sh", {
    args: ["-c", '"$@" > /dev/full', "sh", Deno.execPath(), ...cliArguments(), "whoami", "--json"],
    env: ada.env,
    clearEnv: true,
    cwd: ada.home,
  }).outputSync();
  assert.equal(code, 74);
  assert.equal(JSON.parse(new TextDecoder().decode(stderr)).error.code, "io");
});

/** Runs the command line with a clock that is `hours` ahead. */
async function withClock(hours: number, args: string[]): Promise<Outcome> {
  const shift = ada.file(`shift${hours}.js`, `const real = Date.now; Date.now = () => real() + ${hours * 3600_000};`);
  const [run, ...rest] = cliArguments();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [run, "--preload", shift, ...rest, ...args],
    env: ada.env,
    clearEnv: true,
    cwd: ada.home,
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr), bytes: stdout };
}

row("from_the_future: a sender whose clock is an hour ahead", async () => {
  assertFails(await withClock(1, ["send", bob.id, "x", "--json"]), "from_the_future");
});

row("expired: a sender whose clock is 40 days behind", async () => {
  assertFails(await withClock(-40 * 24, ["send", bob.id, "x", "--json"]), "expired");
});

row("timeout: no answer after a session was made; the id is printed, held, and --id sends the same bytes", async () => {
  await using hole = blackHole(relay.port);
  const through = relay.address.replace(/:\d+$/, `:${hole.port}`);
  const file = ada.file("large", new Uint8Array(200 * 1024));
  await ada.ok(["send", bob.id, "the conversation begins before"]);
  await bob.ok(["fetch"]);
  const lost = await ada.run(["send", bob.id, "-f", file, "--json", "--relay", through, "--timeout", "3s"]);
  assertFails(lost, "timeout");
  assert.notEqual(lost.stdout, "", lost.stderr);
  const { id, seq } = JSON.parse(lost.stdout);
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(seq, null);
  await ada.ok(["send", bob.id, "later commands never flush it"]);
  assert.ok(!(await bob.ok(["fetch", "--json"])).includes(id));
  assert.equal(await ada.ok(["send", bob.id, "--id", id], { stdin: "" }), id);
  assert.equal(JSON.parse(await bob.ok(["fetch", "--json"])).id, id);
});

/** A UDP proxy that swallows everything once a client has sent more than a session needs. */
function blackHole(target: number) {
  const front = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const back = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const relayAddr = { transport: "udp" as const, hostname: "127.0.0.1", port: target };
  let client: Deno.Addr | null = null;
  let sent = 0;
  const closed = (error: unknown) => {
    if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) throw error;
  };
  const outward = (async () => {
    for await (const [bytes, from] of front) {
      client = from;
      sent += bytes.length;
      if (sent < 100_000) await back.send(bytes, relayAddr);
    }
  })().catch(closed);
  const inward = (async () => {
    for await (const [bytes] of back) if (client && sent < 100_000) await front.send(bytes, client);
  })().catch(closed);
  return {
    port: (front.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose]() {
      front.close();
      back.close();
      await Promise.all([outward, inward]);
    },
  };
}
