/**
 * What every listener over sockets promises: stalled handshakes, certificates, renewal, taken ports.
 * @module
 */

import assert from "node:assert/strict";
import { parseRelayAddress, trustFor } from "../../net/address.ts";
import type { Connection, Leaf, Listener, ListenerEvents, PeerAddress, Trust } from "../../net/connection.ts";
import { rootCertificate } from "../../net/tls.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import { QightError } from "../../proto/errors.ts";
import { type TestRoot, testRoot } from "../net/relay_fixture.ts";
import { bytes, echo, readAll, serveEach } from "./connection_contract.ts";

/** The transport under test. */
export interface ListenerUnderTest {
  listen(
    options: {
      hostname: string;
      port: number;
      leaf: Leaf;
      pendingLimit?: number;
      maxStreams?: number;
      handshakeTimeoutMs?: number;
      events?: ListenerEvents;
    },
  ): Promise<Listener>;
  connect(options: { hostname: string; port: number; trust: Trust; signal?: AbortSignal }): Promise<Connection>;
  /** Begins a handshake and says nothing more; the result ends it. */
  stall(address: PeerAddress): Promise<() => void>;
  /** What an expired leaf looks like to the client (Deno's TLS over TCP does not tell it from a wrong root). */
  readonly expired: ErrorCode;
}

/** Runs the suite. */
export function listenerContract(name: string, transport: ListenerUnderTest): void {
  const row = (promise: string, run: (root: TestRoot) => Promise<void>) =>
    Deno.test(`${name} listener: ${promise}`, async () => run(await testRoot()));

  row("a stalled handshake delays nobody, and is counted as pending", async (root) => {
    await using relay = await serving(transport, { leaf: await root.leaf() });
    const stalled = await Promise.all([1, 2, 3].map(() => transport.stall(relay.address)));
    await relay.until(() => relay.listener.pending === 3);
    const began = performance.now();
    await callOnce(transport, relay.address, root.trust);
    assert.ok(performance.now() - began < 2_000, "the second client waited for the first");
    assert.equal(relay.listener.pending, 3);
    stalled.forEach((end) => end());
  });

  row("handshakes beyond the limit are refused, and those that take too long are reported", async (root) => {
    await using relay = await serving(transport, { leaf: await root.leaf(), pendingLimit: 2, handshakeTimeoutMs: 150 });
    const stalled = [await transport.stall(relay.address), await transport.stall(relay.address)];
    await relay.until(() => relay.listener.pending === 2);
    stalled.push(await transport.stall(relay.address));
    await relay.until(() => relay.results.includes("refused"));
    await relay.until(() => relay.results.filter((result) => result === "timeout").length === 2);
    stalled.forEach((end) => end());
  });

  const certificates: {
    what: string;
    code: ErrorCode;
    leaf?: (root: TestRoot) => Promise<Leaf>;
    trust: (root: TestRoot) => Trust;
  }[] = [
    {
      what: "a wrong root",
      code: "wrong_relay",
      trust: () => ({ caCerts: [rootCertificate(bytes(32, 9))], serverName: "relay.qight" }),
    },
    { what: "a wrong name", code: "bad_certificate", trust: (root) => ({ ...root.trust, serverName: "other.qight" }) },
    {
      what: "ordinary roots",
      code: "bad_certificate",
      trust: () => trustFor(parseRelayAddress("qight://localhost")),
    },
    {
      what: "an expired leaf",
      code: transport.expired,
      leaf: (root) => root.leaf({ notAfter: new Date("2020-01-01T00:00:00Z") }),
      trust: (root) => root.trust,
    },
  ];
  for (const { what, code, leaf, trust } of certificates) {
    row(`${what} is ${code} and exit 76, and nothing is sent`, async (root) => {
      await using relay = await serving(transport, { leaf: await (leaf?.(root) ?? root.leaf()) });
      const error = await failure(transport.connect({ ...relay.address, trust: trust(root) }));
      assert.deepEqual([error.code, error.exit], [code, 76], error.message);
      assert.equal(relay.connections, 0);
    });
  }

  row("a leaf from 1970 on and for the relay's name is enough, whatever the host", async (root) => {
    await using relay = await serving(transport, { leaf: await root.leaf({ hosts: [] }) });
    const address = parseRelayAddress(
      `qight://${root.publicKey.toBase64({ alphabet: "base64url", omitPadding: true })}@x`,
    );
    await callOnce(transport, relay.address, trustFor(address));
  });

  row("renewal gives new clients the new leaf while old ones stay", async (root) => {
    const [short, next] = [await root.leaf(), await root.leaf({ notAfter: new Date("2020-01-01T00:00:00Z") })];
    await using relay = await serving(transport, { leaf: short });
    const old = await transport.connect({ ...relay.address, trust: root.trust });
    await callOver(old);
    relay.listener.renew(next); // an expired one, so that the client can tell them apart
    assert.equal((await failure(transport.connect({ ...relay.address, trust: root.trust }))).exit, 76);
    await callOver(old);
    relay.listener.renew(await root.leaf());
    await callOnce(transport, relay.address, root.trust);
    await callOver(old);
    old.close();
    await old.closed;
  });

  row("after stop live connections go on and new ones are refused", async (root) => {
    await using relay = await serving(transport, { leaf: await root.leaf() });
    const old = await transport.connect({ ...relay.address, trust: root.trust });
    await callOver(old);
    relay.listener.stop();
    relay.listener.stop();
    const signal = AbortSignal.timeout(300);
    await assert.rejects(() => transport.connect({ ...relay.address, trust: root.trust, signal }));
    await callOver(old);
    old.close();
    await old.closed;
  });

  row("close ends live connections", async (root) => {
    const relay = await serving(transport, { leaf: await root.leaf() });
    const client = await transport.connect({ ...relay.address, trust: root.trust });
    await callOver(client);
    await relay[Symbol.asyncDispose]();
    await client.closed;
  });

  row("a client waits for a free stream when the relay allows few", async (root) => {
    await using relay = await serving(transport, { leaf: await root.leaf(), maxStreams: 2 });
    const client = await transport.connect({ ...relay.address, trust: root.trust });
    await Promise.all(Array.from({ length: 20 }, () => callOver(client)));
    client.close();
    await client.closed;
  });

  row("a taken port is port_taken", async (root) => {
    await using relay = await serving(transport, { leaf: await root.leaf() });
    const error = await failure(transport.listen({ ...relay.address, leaf: await root.leaf() }));
    assert.equal(error.code, "port_taken");
    assert.match(error.message, new RegExp(String(relay.address.port)));
  });

  row("an address of another machine is a config error", async (root) => {
    const error = await failure(transport.listen({ hostname: "192.0.2.1", port: 0, leaf: await root.leaf() }));
    assert.equal(error.code, "config");
  });

  row("an attempt that is given up rejects with the signal's reason at once", async (root) => {
    const silent = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    const silentTcp = Deno.listen({ hostname: "127.0.0.1", port: (silent.addr as Deno.NetAddr).port });
    const giveUp = new AbortController();
    const { hostname, port } = silent.addr as Deno.NetAddr;
    const attempt = transport.connect({ hostname, port, trust: root.trust, signal: giveUp.signal });
    giveUp.abort(new QightError("interrupted"));
    assert.equal((await failure(attempt)).code, "interrupted");
    silent.close();
    silentTcp.close();
  });

  row("the server sees the client's address", async (root) => {
    await using relay = await serving(transport, { leaf: await root.leaf() });
    await callOnce(transport, relay.address, root.trust);
    assert.equal(relay.peers[0].hostname, "127.0.0.1");
    assert.ok(relay.peers[0].port > 0);
    assert.ok(relay.results.includes("ok"));
  });
}

interface Serving extends AsyncDisposable {
  readonly listener: Listener;
  readonly address: PeerAddress;
  readonly results: string[];
  readonly peers: PeerAddress[];
  readonly connections: number;
  /** Resolves when the condition holds; looked at after each macrotask. */
  until(condition: () => boolean): Promise<void>;
}

async function serving(
  transport: ListenerUnderTest,
  options: { leaf: Leaf; pendingLimit?: number; handshakeTimeoutMs?: number; maxStreams?: number },
): Promise<Serving> {
  const results: string[] = [];
  const peers: PeerAddress[] = [];
  const running: Promise<void>[] = [];
  const listener = await transport.listen({
    hostname: "127.0.0.1",
    port: 0,
    ...options,
    events: { onHandshake: (result) => void results.push(result) },
  });
  const accepting = (async () => {
    for await (const connection of listener.connections) {
      peers.push(connection.peer);
      running.push(serveEach(connection, echo));
    }
  })();
  return {
    listener,
    address: listener.address,
    results,
    peers,
    get connections() {
      return peers.length;
    },
    async until(condition) {
      const deadline = performance.now() + 5_000;
      while (!condition()) {
        assert.ok(performance.now() < deadline, "the condition never held");
        await new Promise((resolve) => setTimeout(resolve));
      }
    },
    async [Symbol.asyncDispose]() {
      await listener.close();
      await accepting;
      await Promise.all(running);
    },
  };
}

async function callOnce(transport: ListenerUnderTest, address: PeerAddress, trust: Trust): Promise<void> {
  const client = await transport.connect({ ...address, trust });
  await callOver(client);
  client.close();
  await client.closed;
}

async function callOver(client: Connection): Promise<void> {
  const stream = await client.openStream();
  await stream.write(bytes(30, 1));
  await stream.end();
  assert.deepEqual(await readAll(stream), bytes(30, 1));
}

async function failure(attempt: Promise<unknown>): Promise<QightError> {
  const outcome = await attempt.then(() => "connected", (error) => error);
  assert.ok(outcome instanceof QightError, String(outcome));
  return outcome;
}
