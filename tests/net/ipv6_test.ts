/** The whole way over IPv6: relay, send and fetch as processes, over QUIC and over WebSocket. @module */
import assert from "node:assert/strict";
import { RelayClient } from "../../client/relay_client.ts";
import { dial } from "../../net/race.ts";
import { type Running, World } from "../commands/harness.ts";
import { envelope, person } from "../helpers/people.ts";

const missing = missingIpv6();

/** Why IPv6 cannot be tested here, or null. */
function missingIpv6(): string | null {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function over(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: missing === null ? name : `${name} (ignored: this machine has no IPv6: ${missing})`,
    ignore: missing !== null,
    // The relay's pipes are read by the harness until its process has ended.
    sanitizeOps: false,
    sanitizeResources: false,
    fn,
  });
}

/** A relay on one address, and the line that it prints. */
async function relayOn(
  world: World,
  listen: string,
  ...more: string[]
): Promise<{ address: string; process: Running }> {
  const data = ["--data-dir", world.operator.path(`relay-${crypto.randomUUID()}`)];
  const process = world.operator.start(["relay", "--listen", listen, ...data, ...more], {
    env: { QIGHT_CFG__HTTP__LISTEN: "" },
  });
  const address = /^address {2}(qight:\/\/\S+)/.exec(await process.line() ?? "")?.[1];
  assert.ok(address, process.stderr());
  return { address, process };
}

over("relay, key gen, send, fetch, ping and health over [::1]", async () => {
  await using world = new World();
  const { address, process } = await relayOn(world, "[::1]:0");
  try {
    assert.match(address, /^qight:\/\/[\w-]{43}@\[::1\]:\d+$/);
    const [ada, bob] = await Promise.all([world.member("ada", { address }), world.member("bob", { address })]);
    const id = await ada.ok(["send", bob.id, "over six"]);
    const message = JSON.parse(await bob.ok(["fetch", "--json"]));
    assert.deepEqual([message.id, message.text], [id, "over six"]);
    const pong = JSON.parse(await ada.ok(["ping", "--json"]));
    assert.deepEqual([pong.relay, pong.transport], [address, "quic"]);
    await ada.ok(["health", "--relay", address]);
  } finally {
    process.signal("SIGTERM");
    await process.ended;
  }
});

over("WebSocket over [::1] is the same relay on the same port", async () => {
  await using world = new World();
  const { address, process } = await relayOn(world, "[::1]:0");
  try {
    const ada = await person(1, Date.now());
    await using client = await RelayClient.connect(address, {
      signer: ada.device,
      dial: (address) => dial({ address, transports: ["websocket"] }),
    });
    assert.equal(client.transport, "websocket");
    await client.publishBundle(ada.bundle.bytes, 0);
    assert.equal((await client.send(await envelope(ada, ada, Date.now()))).seq, 1);
    await using quic = await RelayClient.connect(address, {
      signer: ada.device,
      dial: (address) => dial({ address, transports: ["quic"] }),
    });
    const events = await Array.fromAsync(quic.fetch());
    assert.deepEqual(events.map(({ type }) => type), ["lease", "delivered"]);
  } finally {
    process.signal("SIGTERM");
    await process.ended;
  }
});

over("a relay on [::] is reached over IPv6 and over IPv4", async () => {
  await using world = new World();
  const { address, process } = await relayOn(world, "[::]:0", "--allow-open");
  try {
    const root = address.slice(0, address.indexOf("@") + 1), port = address.split(":").at(-1);
    const user = world.person("user");
    for (const host of ["[::1]", "127.0.0.1"]) {
      const relay = `${root}${host}:${port}`;
      assert.equal(JSON.parse(await user.ok(["ping", "--json", "--relay", relay])).relay, relay);
    }
  } finally {
    process.signal("SIGTERM");
    await process.ended;
  }
});

over("nobody listens on [::1]: unreachable, and the address is named in brackets", async () => {
  await using world = new World();
  const user = world.person("user");
  const relay = `qight://${"A".repeat(43)}@[::1]:1`;
  const { code, stderr } = await user.run(["ping", "--relay", relay, "--timeout", "2s"]);
  assert.equal(code, 69, stderr);
  assert.match(stderr, /^qight: \[::1\]:1 cannot be reached: /);
});
