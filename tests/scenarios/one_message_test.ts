/**
 * One message walks through the house: the rooms of docs/architecture.md in their order, over a real relay and real QUIC.
 * @module
 */
import { create, fromBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { accountFromSeed } from "../../crypto/account.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { CONTENT_SEALED, parseEnvelope, verifyEnvelope } from "../../crypto/envelope.ts";
import { systemClock, systemRandom } from "../../client/clock.ts";
import { KeyDirectory } from "../../client/directory.ts";
import { Inbox, type InboxMessage } from "../../client/inbox.ts";
import { newMessageId } from "../../client/message_id.ts";
import { createOutbox } from "../../client/outbox.ts";
import { ensurePublished } from "../../client/publish.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { repeatMessage, sendMessage } from "../../client/send.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import { ContentSchema, SealedPayloadSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { type TestRelay, testRelay } from "../helpers/test_relay.ts";

async function member(relay: TestRelay, seed: number, folder: string) {
  const signer = await signerFromSeed(new Uint8Array(32).fill(seed + 100));
  const account = await accountFromSeed(new Uint8Array(32).fill(seed));
  const store = await openSqliteStore({ path: `${folder}/${seed}.db`, key: new Uint8Array(32).fill(seed) });
  const client = await RelayClient.connect(relay.address, { signer });
  const identity = { account, signer, deviceName: "test" };
  const tools = { store, clock: systemClock, random: systemRandom };
  const { bundle } = await ensurePublished({ relay: client, identity, ...tools });
  const directory = new KeyDirectory(store, systemClock);
  const outbox = createOutbox({ ...tools, relay: "test" });
  const room = { relay: client, outbox, directory, author: { signer, bundle } };
  const inbox = () =>
    new Inbox({
      source: { client: () => Promise.resolve(client) },
      store,
      directory,
      device: signer.publicKey,
      clock: systemClock,
    });
  const leave = async () => {
    client.close();
    await client.closed;
    await store[Symbol.asyncDispose]();
  };
  return { account, signer, client, outbox, room, inbox, leave };
}

Deno.test("one message walks from the sender's words to the reader's acknowledgement", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "qight-scenario-" });
  const secret = "disk full on web-3, and nobody in between can read it";
  {
    await using relay = await testRelay({ dataDir: `${folder}/relay` });
    const ada = await member(relay, 1, folder);
    const bob = await member(relay, 2, folder);
    const draft = {
      id: newMessageId(Date.now(), systemRandom),
      createdAtMs: Date.now(),
      ttlS: 0,
      plaintext: false,
      content: create(ContentSchema, { body: { case: "text", value: secret } }),
    };

    await t.step("client/messages, crypto/seal, client/outbox, client/rpc, relay: accepted, on disk", async () => {
      const { error, devices } = await sendMessage(ada.room, bob.account.hash, draft);
      assert.equal(error, null);
      assert.equal(devices[0].receipt?.seq, 1);
    });
    await t.step("client/outbox: a repeat sends exactly the same bytes and is the same message", async () => {
      const { devices } = await repeatMessage(ada.room, draft.id);
      assert.equal(devices[0].receipt?.seq, 1);
    });
    await t.step("relay/storage: what is stored is the signed envelope, sealed, without a word of it", async () => {
      const events = await Array.fromAsync(bob.client.fetch({ peek: true }));
      const delivered = events.find((event) => event.type === "delivered")!;
      const envelope = parseEnvelope(delivered.envelope);
      await verifyEnvelope(envelope);
      assert.deepEqual(envelope.sender, ada.signer.publicKey);
      assert.equal(envelope.contentType, CONTENT_SEALED);
      assert.equal(fromBinary(SealedPayloadSchema, envelope.payload).suite, 1);
      for (const name of ["relay.db", "relay.db-wal", "audit.log"]) {
        const text = new TextDecoder("latin1").decode(await Deno.readFile(`${folder}/relay/${name}`));
        assert.ok(!text.includes("disk full"), `${name} holds the words`);
      }
    });
    await t.step("client/inbox, crypto/seal: opened, attributed, shown, acknowledged", async () => {
      const inbox = bob.inbox();
      const messages: InboxMessage[] = [];
      for await (const event of inbox.read()) {
        if (event.type !== "message") continue;
        await inbox.printing(event);
        messages.push(event);
        await inbox.shown(event);
      }
      await inbox.flush();
      assert.deepEqual(messages.map(({ content }) => content.body.value), [secret]);
      assert.deepEqual(messages[0].from, ada.account.hash);
      assert.equal(messages[0].verified, true);
      assert.deepEqual(await Array.fromAsync(bob.client.fetch({ peek: true })), []);
    });
    await ada.leave();
    await bob.leave();
  }
  for (const store of ["1.db", "2.db"]) {
    const text = new TextDecoder("latin1").decode(await Deno.readFile(`${folder}/${store}`));
    assert.ok(!text.includes("disk full") && !text.includes("SQLite format"), `${store} is not encrypted`);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an expired range is told once", async () => {
  const folder = await Deno.makeTempDir({ prefix: "qight-scenario-" });
  let nowMs = Date.now();
  {
    await using relay = await testRelay({ now: () => nowMs });
    const ada = await member(relay, 1, folder);
    const draft = {
      id: newMessageId(Date.now(), systemRandom),
      createdAtMs: Date.now(),
      ttlS: 60,
      plaintext: false,
      content: create(ContentSchema, { body: { case: "text", value: "short-lived" } }),
    };
    await sendMessage(ada.room, ada.account.hash, draft);
    nowMs += 120_000;
    const seen: string[] = [];
    for (let i = 0; i < 2; i++) {
      const inbox = ada.inbox();
      for await (const event of inbox.read()) seen.push(event.type);
      await inbox.flush();
    }
    assert.deepEqual(seen, ["expired", "caught_up", "caught_up"]);
    await ada.leave();
  }
  await Deno.remove(folder, { recursive: true });
});
