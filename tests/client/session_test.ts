/** HELLO, publishing and the directory: nobody is taken for somebody else. @module */
import assert from "node:assert/strict";
import { signBundle } from "../../crypto/bundle.ts";
import { makeSealingKey } from "../../crypto/sealing_key.ts";
import { verifySessionProof } from "../../crypto/session_proof.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { ensurePublished } from "../../client/publish.ts";
import { Reconnector } from "../../client/reconnect.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { dialledName } from "../../client/session.ts";
import { QightError } from "../../proto/errors.ts";
import { type HelloProof, HelloRequestSchema, HelloResponseSchema } from "../../proto/gen/qight/v1/session_pb.ts";
import { MailRelay } from "./mail_relay.ts";
import { Person } from "./person.ts";
import { scripted } from "./scripted_relay.ts";
import { countingRandom, TestClock } from "./test_clock.ts";

const ROOT = new Uint8Array(32).fill(4);
const RELAY_NONCE = new Uint8Array(32).fill(5);

function relayWith(root: Uint8Array) {
  const proofs: HelloProof[] = [];
  const { connection } = scripted({
    Hello: async (call) => {
      await call.next(HelloRequestSchema);
      await call.reply(HelloResponseSchema, { step: { case: "challenge", value: { relayNonce: RELAY_NONCE, root } } });
      const { step } = (await call.next(HelloRequestSchema))!;
      if (step.case === "proof") proofs.push(step.value);
      const value = { maxTtlS: 0xffffffff, maxEnvelope: 0xffffffff };
      await call.reply(HelloResponseSchema, { step: { case: "accepted", value } });
      await call.end();
    },
  });
  return { connection, proofs };
}

Deno.test("HELLO proves the device for this relay, these nonces and what was dialled", async () => {
  const { connection, proofs } = relayWith(ROOT);
  const signer = await signerFromSeed(new Uint8Array(32).fill(1));
  const address = { root: ROOT, host: "relay.test", port: 1 };
  const random = countingRandom(7);
  await using relay = await RelayClient.over(connection, address, {
    signer,
    random: (n) => n === 32 ? new Uint8Array(32).fill(6) : random(n),
    token: "t",
  });
  const [{ signature, dialled, token }] = proofs;
  assert.equal(dialled, ROOT.toBase64({ alphabet: "base64url", omitPadding: true }));
  assert.equal(token, "t");
  const fields = {
    transport: "memory",
    dialled,
    clientNonce: new Uint8Array(32).fill(6),
    relayNonce: RELAY_NONCE,
    root: ROOT,
  };
  assert.equal(await verifySessionProof(signer.publicKey, signature, fields), true);
  assert.equal(relay.session.maxTtlS, 90 * 24 * 3600, "at most 90 days are believed");
  assert.ok(relay.session.maxEnvelope <= 64 * 1024 * 1024);
});

Deno.test("another root key than the dialled one is wrong_relay, and nothing is signed for it", async () => {
  const { connection, proofs } = relayWith(new Uint8Array(32).fill(8));
  const signer = await signerFromSeed(new Uint8Array(32).fill(1));
  await assert.rejects(RelayClient.over(connection, { root: ROOT, host: "relay.test", port: 1 }, { signer }), {
    code: "wrong_relay",
  });
  assert.deepEqual(proofs, []);
  await connection.closed;
});

Deno.test("without a root in the address the proof names host and port", () => {
  assert.equal(dialledName({ host: "relay.test", port: 7 }), "relay.test:7");
  assert.equal(dialledName({ host: "::1", port: 7 }), "[::1]:7");
});

Deno.test("publishing twice changes nothing; a relay that lost everything gets the same bundle again", async () => {
  const mail = new MailRelay(new TestClock());
  await using ada = await Person.join(mail, 1);
  const options = { relay: ada.relay, store: ada.store, identity: ada.identity, clock: mail.clock, random: ada.random };
  assert.equal((await ensurePublished(options)).changed, false);
  const before = mail.bundles.get(ada.account.toHex());
  mail.bundles.clear();
  mail.sealingKeys.clear();
  assert.equal((await ensurePublished(options)).changed, true);
  assert.deepEqual(mail.bundles.get(ada.account.toHex()), before);
  mail.clock.advance(183 * 24 * 3600_000);
  const renewed = await ensurePublished(options);
  assert.ok(renewed.bundle.expiresAtMs > mail.clock.now() + 364 * 24 * 3600_000, "renewed at half its life");
  assert.equal((await ensurePublished({ ...options, rotate: true })).changed, true, "rotate makes a new sealing key");
});

Deno.test("whoever loses the race to publish merges and repeats", async () => {
  const mail = new MailRelay(new TestClock());
  await using ada = await Person.join(mail, 1);
  const phone = await Person.join(mail, 1, ":memory:", 8);
  await using _phone = phone;
  mail.bundles.clear();
  const other = await signBundle(ada.identity.account, {
    version: phone.author.bundle.version + 5,
    createdAtMs: mail.clock.now(),
    expiresAtMs: mail.clock.now() + 1e10,
    devices: phone.author.bundle.devices.slice(1),
  });
  let races = 0;
  const relay = new Proxy(phone.relay, {
    get(target, name) {
      if (name === "publishBundle" && races++ === 0) {
        return () => {
          mail.bundles.set(ada.account.toHex(), other.bytes);
          return Promise.reject(new QightError("version_conflict"));
        };
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const { store, identity, random } = phone;
  const { bundle } = await ensurePublished({ relay, store, identity, clock: mail.clock, random });
  assert.deepEqual(bundle.devices.map(({ key }) => key.toHex()).includes(phone.device.toHex()), true);
  assert.ok(bundle.version >= other.version);
});

Deno.test("the directory refuses rolled-back bundles and sealing keys, and expired keys", async (t) => {
  const mail = new MailRelay(new TestClock());
  await using ada = await Person.join(mail, 1);
  await using bob = await Person.join(mail, 2);
  const { directory } = ada;
  const account = bob.account.toHex(), device = bob.device.toHex();
  const [bundle, key] = [mail.bundles.get(account)!, mail.sealingKeys.get(device)!];
  const { devices, version, createdAtMs, expiresAtMs } = bob.author.bundle;
  await directory.lookUp(ada.relay, bob.account);
  await t.step("a newer bundle counts", async () => {
    const next = await signBundle(bob.identity.account, { version: version + 1, createdAtMs, expiresAtMs, devices });
    mail.bundles.set(account, next.bytes);
    assert.equal((await directory.lookUp(ada.relay, bob.account)).bundle.version, version + 1);
  });
  await t.step("the older one afterwards is key_changed", async () => {
    mail.bundles.set(account, bundle);
    await assert.rejects(directory.lookUp(ada.relay, bob.account), { code: "key_changed" });
  });
  await t.step("an equal version with other content is key_changed", async () => {
    const other = await signBundle(bob.identity.account, {
      version: version + 1,
      createdAtMs,
      expiresAtMs: expiresAtMs + 1,
      devices,
    });
    mail.bundles.set(account, other.bytes);
    await assert.rejects(directory.lookUp(ada.relay, bob.account), { code: "key_changed" });
    mail.bundles.set(account, (await directory.since(bob.account, version + 1))[0].bytes);
  });
  const seal = (createdAtMs: number, seed: number) =>
    makeSealingKey(bob.identity.signer, bob.account, new Uint8Array(32).fill(seed), {
      createdAtMs,
      expiresAtMs: createdAtMs + 1000,
    });
  await t.step("an older sealing key is key_changed", async () => {
    const now = mail.clock.now();
    const newer = await makeSealingKey(bob.identity.signer, bob.account, new Uint8Array(32).fill(3), {
      createdAtMs: now + 1,
      expiresAtMs: now + 5000,
    });
    mail.sealingKeys.set(device, newer.bytes);
    await directory.lookUp(ada.relay, bob.account);
    mail.sealingKeys.set(device, key);
    await assert.rejects(directory.lookUp(ada.relay, bob.account), { code: "key_changed" });
  });
  await t.step("an expired sealing key is not used", async () => {
    mail.sealingKeys.set(device, (await seal(mail.clock.now() - 2000, 4)).bytes);
    await assert.rejects(directory.lookUp(ada.relay, bob.account), { code: "no_such_recipient" });
  });
  await t.step("another account's bundle under this name is bad_bundle", async () => {
    mail.bundles.set(account, mail.bundles.get(ada.account.toHex())!);
    await assert.rejects(directory.lookUp(ada.relay, bob.account), { code: "bad_bundle" });
  });
});

Deno.test("reconnecting pauses longer and longer, with jitter, and gives up in time", async () => {
  const clock = new TestClock();
  const tries: number[] = [];
  const source = new Reconnector({
    connect: () => {
      tries.push(clock.monotonic());
      return Promise.reject(new QightError("unreachable"));
    },
    timeoutMs: 3_000,
    clock,
    random: countingRandom(),
  });
  const start = clock.monotonic();
  await assert.rejects(clock.runUntil(source.client(), 10), { code: "unreachable" });
  const pauses = tries.slice(1).map((at, i) => at - tries[i]);
  pauses.forEach((pauseMs, i) => assert.ok(pauseMs >= 25 * 2 ** i && pauseMs <= 50 * 2 ** i + 10, `${i}: ${pauseMs}`));
  assert.ok(pauses.length >= 4 && clock.monotonic() - start <= 3_000 + 10);
});

Deno.test("regression: an attempt that meets a dying relay leaves time for another one", async () => {
  const mail = new MailRelay(new TestClock());
  const { clock } = mail;
  await using ada = await Person.join(mail, 1);
  const alive = ada.relay;
  const dead = Promise.withResolvers<RelayClient>();
  let tries = 0;
  const connect = () => ++tries === 1 ? dead.promise : Promise.resolve(alive);
  await using source = new Reconnector({ connect, timeoutMs: 4_000, clock, random: countingRandom() });
  const start = clock.monotonic();
  assert.equal(await clock.runUntil(source.client(), 10), alive);
  assert.ok(clock.monotonic() - start <= 3_000);
});

for (const code of ["wrong_relay", "bad_token", "bad_address"] as const) {
  Deno.test(`reconnecting does not repeat ${code}`, async () => {
    let tries = 0;
    const connect = () => Promise.reject(new QightError(code, `try ${++tries}`));
    const source = new Reconnector({ connect, timeoutMs: 3_000, clock: new TestClock(), random: countingRandom() });
    await assert.rejects(source.client(), { code });
    assert.equal(tries, 1);
  });
}
