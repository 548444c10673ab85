/** SIGINT and SIGTERM of client commands, and the demo that cleans up after them. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { RelayClient } from "../../client/relay_client.ts";
import { CONTENT_SEALED, signEnvelope } from "../../crypto/envelope.ts";
import { QightError } from "../../proto/errors.ts";
import { person as somebody } from "../helpers/people.ts";
import { row, type RunningRelay, World } from "./harness.ts";
import { holdCall } from "./held_call.ts";

const world = new World();
let relay: RunningRelay;
let user: Awaited<ReturnType<World["member"]>>;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  user = await world.member("user", relay);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  row(
    `expectation 31: ${signal} ends fetch --follow with ${code}, after what was printed is acknowledged`,
    async () => {
      const following = user.start(["fetch", "--follow", "--json"]);
      await user.ok(["send", user.id, signal]);
      assert.equal(JSON.parse((await following.line())!).text, signal);
      following.signal(signal);
      assert.equal(await following.ended, code, following.stderr());
      assert.equal(await user.ok(["fetch"]), "");
    },
  );

  row(`${signal} ends send --lines with ${code}; what was printed has arrived`, async () => {
    const sending = user.start(["send", user.id, "--lines"]);
    await sending.write("under way\n");
    const id = await sending.line();
    sending.signal(signal);
    assert.equal(await sending.ended, code, sending.stderr());
    assert.equal(JSON.parse(await user.ok(["fetch", "--json"])).id, id);
  });

  row(`${signal} ends a --exec child too, and its message comes again`, async () => {
    await user.ok(["send", user.id, "slow"]);
    const running = user.start(["fetch", "--exec", "--", "sh", "-c", "echo started; exec sleep 60"]);
    assert.equal(await running.line(), "started");
    running.signal(signal);
    assert.equal(await running.ended, code, running.stderr());
    assert.match(await user.ok(["fetch"]), /\(again\) {2}slow$/);
  });
}

row("expectation 31: the first SIGINT of a relay drains, a second one ends it at once, both with 130", async () => {
  const busy = await world.relay({ name: "busy" });
  const held = await holdCall(busy.address);
  busy.process.signal("SIGINT");
  await busy.process.seen(/draining/);
  busy.process.signal("SIGINT");
  assert.equal(await busy.process.ended, 130);
  assert.doesNotMatch(busy.process.stderr(), /Interrupted/, "it does not end in order: nobody waits for the drain");
  held.close();
});

for (const way of ["one by one", "over one pipelined call"] as const) {
  row(`expectation 31: SIGTERM drains: sends ${way} get their reply, and none is taken unsaid`, async () => {
    const name = `drained ${way.length}`;
    const drained = await world.relay({ name, env: { QIGHT_CFG__LIMITS__SEND_PER_MINUTE: "0" } });
    const sender = await somebody(3, Date.now());
    const envelopes = await Promise.all(Array.from({ length: 1_000 }, () =>
      signEnvelope(sender.device, {
        id: crypto.getRandomValues(new Uint8Array(16)),
        sender: sender.device.publicKey,
        recipient: sender.device.publicKey,
        createdAtMs: Date.now(),
        ttlS: 0,
        contentType: CONTENT_SEALED,
        payload: new Uint8Array(1500),
      })));
    await using client = await RelayClient.connect(drained.address, { signer: sender.device });
    await client.publishBundle(sender.bundle.bytes, 0);
    let answered = 0;
    const first = Promise.withResolvers<void>();
    const accepted = () => {
      answered++;
      first.resolve();
    };
    const sends = way === "one by one"
      ? Promise.allSettled(envelopes.map((envelope) => client.send(envelope).then(accepted)))
      : pipelined(client, envelopes, accepted);
    await first.promise;
    drained.process.signal("SIGTERM");
    await sends;
    assert.equal(await drained.process.ended, 0);
    const back = await world.relay({ name });
    const status = JSON.parse(await world.operator.ok(["relay", "status", "--json", "--data-dir", back.dataDir]));
    assert.equal(status.messages, answered);
    await back.stop();
  });
}

/** Until the relay is gone: what it answers after it began to drain counts too. */
async function pipelined(client: RelayClient, envelopes: Uint8Array[], accepted: () => void): Promise<void> {
  try {
    for await (const outcome of client.sendMany(envelopes)) if (outcome.kind === "accepted") accepted();
  } catch (thrown) {
    assert.ok(thrown instanceof QightError && ["unreachable", "draining"].includes(thrown.code), String(thrown));
  }
}

async function demo(interrupt: boolean) {
  // Short: a unix socket's path has 108 bytes at most.
  const folder = Deno.makeTempDirSync({ prefix: "qd-" });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL("../../scripts/demo.ts", import.meta.url))],
    env: { ...Deno.env.toObject(), TMPDIR: folder },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (interrupt && text.includes("key gen")) {
      interrupt = false;
      child.kill("SIGTERM");
    }
  }
  const errors = await new Response(child.stderr).text();
  const { code } = await child.status;
  const left = [...Deno.readDirSync(folder)].map(({ name }) => name);
  Deno.removeSync(folder, { recursive: true });
  return { code, text, errors, left };
}

row("the demo ends in under 20 s, shows each command with its answer and leaves nothing behind", async () => {
  const before = performance.now();
  const { code, text, errors, left } = await demo(false);
  assert.equal(code, 0, errors);
  assert.ok(performance.now() - before < 20_000);
  assert.match(text, /\$ echo "disk full on web-3" \| qight send qid1\w+\n[0-9a-f]{32}\n/);
  // A third person reads what one sent to the group.
  assert.match(text, /\(ada\) \$ qight group create ops qid1\w+ qid1\w+\n[0-9a-f]{64}\n/);
  assert.match(text, /\(carol\) \$ qight fetch --in '#ops' --wait 10s\n\S+ {2}#ops qid1\w+ {2}deploy at nine\n/);
  assert.deepEqual(left, []);
});

row("a demo that is ended by SIGTERM exits 143 and leaves nothing behind", async () => {
  const { code, left } = await demo(true);
  assert.equal(code, 143);
  assert.deepEqual(left, []);
});
