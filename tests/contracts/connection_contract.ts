/**
 * What every transport promises, as one suite that runs over QUIC, WebSocket and memory.
 * @module
 */

import assert from "node:assert/strict";
import { concatAll } from "../../crypto/concat.ts";
import type { ByteStream, Connection, Listener } from "../../net/connection.ts";
import { QightError } from "../../proto/errors.ts";

/** A client and the server end of the same connection. */
export interface ConnectedPair extends AsyncDisposable {
  readonly client: Connection;
  readonly server: Connection;
  /** Cuts a cuttable connection as a dead network would: nothing orderly reaches the server. */
  cut(): void;
}

/** A pair whose ends, and what is between them and behind them, close together. */
export function pairOver(
  listener: Pick<Listener, "close">,
  proxy: { cut(): void; close(): unknown } | undefined,
  { client, server }: Pick<ConnectedPair, "client" | "server">,
): ConnectedPair {
  return {
    client,
    server,
    cut: () => proxy?.cut(),
    async [Symbol.asyncDispose]() {
      client.close();
      await Promise.all([client.closed, server.closed]);
      await proxy?.close();
      await listener.close();
    },
  };
}

/** Runs the suite; `makePair` connects a fresh client to a fresh server, on demand so that `cut` works. */
export function connectionContract(
  name: string,
  makePair: (wanted: { cuttable: boolean }) => Promise<ConnectedPair>,
): void {
  const row = (promise: string, run: (pair: ConnectedPair) => Promise<void>, cuttable = false) =>
    Deno.test(`${name}: ${promise}`, async () => {
      await using pair = await makePair({ cuttable });
      await run(pair);
    });

  row("what the client writes comes back from an echo", async ({ client, server }) => {
    const serving = serveEach(server, echo);
    const stream = await client.openStream();
    await stream.write(bytes(5, 1));
    assert.deepEqual(await readExactly(stream, 5), bytes(5, 1));
    await stream.end();
    assert.equal(await stream.read(), null);
    client.close();
    await serving;
  });

  row("after our end the peer may still answer", async ({ client, server }) => {
    const serving = serveEach(server, async (stream) => {
      const all = await readAll(stream);
      await stream.write(Uint8Array.of(all.length));
      await stream.end();
    });
    const stream = await client.openStream();
    await stream.write(bytes(7, 2));
    await stream.end();
    assert.deepEqual(await readAll(stream), Uint8Array.of(7));
    client.close();
    await serving;
  });

  row("1 MiB goes both ways at once and arrives unchanged", async ({ client, server }) => {
    const serving = serveEach(server, echo);
    const stream = await client.openStream();
    const sent = bytes(1024 * 1024, 3);
    const [received] = await Promise.all([readAll(stream), stream.write(sent).then(() => stream.end())]);
    assert.equal(received.length, sent.length);
    assert.ok(received.every((byte, at) => byte === sent[at]));
    client.close();
    await serving;
  });

  row("writes that overlap arrive in order and unmixed", async ({ client, server }) => {
    const serving = serveEach(server, echo);
    const stream = await client.openStream();
    const parts = Array.from({ length: 40 }, (_, at) => bytes(at % 3 === 0 ? 90_000 : 10, at));
    const writing = Promise.all([...parts.map((part) => stream.write(part)), stream.end()]);
    const [received] = await Promise.all([readAll(stream), writing]);
    assert.deepEqual(received, concatAll(parts));
    client.close();
    await serving;
  });

  row("2,000 streams in a row work", async ({ client, server }) => {
    const serving = serveEach(server, echo);
    for (let call = 0; call < 2_000; call++) {
      const stream = await client.openStream();
      await stream.write(bytes(20, call));
      await stream.end();
      assert.deepEqual(await readAll(stream), bytes(20, call));
    }
    client.close();
    await serving;
  });

  row("2,000 streams whose replies are not read to the end work", async ({ client, server }) => {
    const serving = serveEach(server, async (stream) => {
      const request = await readExactly(stream, 20);
      await stream.write(request);
      await stream.end();
      stream.reset();
    });
    for (let call = 0; call < 2_000; call++) {
      const stream = await client.openStream();
      await stream.write(bytes(20, call));
      assert.deepEqual(await readExactly(stream, 20), bytes(20, call));
      stream.reset();
    }
    client.close();
    await serving;
  });

  row("a peer that vanishes mid-frame breaks the read and ends the connection with an error", async (pair) => {
    const stream = await pair.client.openStream();
    await stream.write(bytes(3, 4));
    const accepted = await first(pair.server.incoming);
    assert.deepEqual(await readExactly(accepted, 3), bytes(3, 4));
    const reading = assert.rejects(() => accepted.read(), isBroken);
    pair.cut();
    await reading;
    assert.ok((await pair.server.closed).error);
  }, true);

  row("a reader that does not read stops the writer and leaves other streams alone", async ({ client, server }) => {
    const slow = await client.openStream();
    await slow.write(bytes(1, 5));
    const incoming = server.incoming[Symbol.asyncIterator]();
    const unread = (await incoming.next()).value as ByteStream;
    let written = 0;
    let stopped = false;
    const writing = (async () => {
      while (!stopped) {
        await slow.write(bytes(64 * 1024, 6));
        written += 64 * 1024;
      }
    })().catch(() => {}); // ends with the reset below
    // Another stream, one round trip after the other, is the clock: by then the slow one has stopped.
    let before = -1;
    for (let quiet = 0; quiet < 20;) {
      const stream = await client.openStream();
      const [accepted] = await Promise.all([incoming.next(), stream.write(bytes(1, 7)).then(() => stream.end())]);
      await echo(accepted.value as ByteStream);
      assert.deepEqual(await readAll(stream), bytes(1, 7));
      quiet = written === before ? quiet + 1 : 0;
      before = written;
      assert.ok(written <= 8 * 1024 * 1024, `${written} bytes were taken although nobody reads`);
    }
    stopped = true;
    slow.reset();
    unread.reset();
    await writing;
  });

  row("bytes that wait for a slow reader arrive once it reads", async ({ client, server }) => {
    const stream = await client.openStream();
    const sent = bytes(3 * 1024 * 1024, 8);
    const writing = stream.write(sent).then(() => stream.end());
    const accepted = await first(server.incoming);
    const received = await readAll(accepted);
    await writing;
    assert.equal(received.length, sent.length);
    accepted.end();
    assert.equal(await stream.read(), null);
  });

  row(
    "a reset ends the peer's writing with a rejection, and its reading without a byte more",
    async ({ client, server }) => {
      const stream = await client.openStream();
      await stream.write(bytes(2, 9));
      const accepted = await first(server.incoming);
      assert.deepEqual(await readExactly(accepted, 2), bytes(2, 9));
      stream.reset(7);
      stream.reset(7);
      await assert.rejects(() => stream.read(), isBroken);
      await assert.rejects(() => stream.write(bytes(1, 1)), isBroken);
      // QUIC in Deno shows an abandoned stream as a clean end (docs/decisions/0001-deno-quic.md 4); the others reject.
      assert.equal(await accepted.read().catch((error) => (assert.ok(isBroken(error)), null)), null);
      await assert.rejects(async () => {
        for (;;) await accepted.write(bytes(64 * 1024, 1));
      }, isBroken);
    },
  );

  row("one reset stream does not hurt its neighbours", async ({ client, server }) => {
    const serving = serveEach(server, echo);
    const kept = await client.openStream();
    await kept.write(bytes(4, 1));
    for (let n = 0; n < 50; n++) {
      const stream = await client.openStream();
      await stream.write(bytes(1_000, n));
      stream.reset(n);
    }
    assert.deepEqual(await readExactly(kept, 4), bytes(4, 1));
    await kept.write(bytes(4, 2));
    assert.deepEqual(await readExactly(kept, 4), bytes(4, 2));
    client.close();
    await serving;
  });

  row("the code and reason of a close reach both ends", async ({ client, server }) => {
    const stream = await client.openStream();
    await stream.write(bytes(1, 1));
    await first(server.incoming);
    server.close(7503, "draining: repeat in a moment");
    const seen = await client.closed;
    assert.deepEqual([seen.code, seen.reason, seen.error], [7503, "draining: repeat in a moment", undefined]);
    assert.equal((await server.closed).code, 7503);
    await assert.rejects(() => stream.read(), isBroken);
    await assert.rejects(() => client.openStream(), isBroken);
  });

  row("a close without words is orderly, and the loop over incoming streams ends", async ({ client, server }) => {
    const serving = serveEach(server, echo);
    client.close();
    client.close();
    const seen = await server.closed;
    assert.deepEqual([seen.code, seen.reason, seen.error], [0, "", undefined]);
    await serving;
  });
}

/** Handles each incoming stream at the same time; resolves when the connection has ended. */
export async function serveEach(connection: Connection, handle: (stream: ByteStream) => Promise<void>): Promise<void> {
  const running: Promise<void>[] = [];
  // A handler that breaks off is what reset and close are about; the client's side of the test judges.
  for await (const stream of connection.incoming) {
    running.push(handle(stream).catch((error) => assert.ok(isBroken(error))));
  }
  await Promise.all(running);
}

/** Writes back what it reads, and ends when the peer does. */
export async function echo(stream: ByteStream): Promise<void> {
  for (;;) {
    const chunk = await stream.read();
    if (!chunk) break;
    await stream.write(chunk);
  }
  await stream.end();
}

/** Bytes of a recognizable pattern. */
export function bytes(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + seed * 17 + (at >> 8)) & 0xff);
}

/** Everything up to the end of the stream. */
export async function readAll(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await stream.read(); chunk; chunk = await stream.read()) chunks.push(chunk);
  return concatAll(chunks);
}

/** Exactly this many bytes; the test's peers never send more than is asked for. */
async function readExactly(stream: ByteStream, length: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let got = 0; got < length;) {
    const chunk = await stream.read();
    assert.ok(chunk, `the stream ended after ${got} of ${length} bytes`);
    chunks.push(chunk);
    got += chunk.length;
  }
  return concatAll(chunks);
}

/** The first value of an iterable. */
export async function first<T>(iterable: AsyncIterable<T>): Promise<T> {
  const { value, done } = await iterable[Symbol.asyncIterator]().next();
  assert.ok(!done, "nothing came");
  return value;
}

function isBroken(error: unknown): boolean {
  return error instanceof QightError && error.code === "unreachable";
}
