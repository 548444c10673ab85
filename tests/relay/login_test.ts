/** Names, passwords and sessions at the relay, as clients and thieves meet them. @module */
import assert from "node:assert/strict";
import { signAccountEnd } from "../../crypto/account_end.ts";
import { signBundle } from "../../crypto/bundle.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { beginRegistration, finishRegistration } from "../../crypto/opaque.ts";
import { RecoveryService } from "../../proto/gen/qight/v1/recovery_pb.ts";
import { SESSION_MS } from "../../relay/sessions.ts";
import { type Person, person } from "../helpers/people.ts";
import { calls, login, parties, recordFor, register, startLogin } from "../helpers/signing_in.ts";
import { testRelay, type TestRelayOptions } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const HOUR = 3600_000;

/** A relay with accounts and a clock to turn. */
async function accountRelay(options: TestRelayOptions = {}) {
  const clock = { now: NOW };
  const relay = await testRelay({ auth: { mode: "account" }, now: () => clock.now, ...options });
  return { relay, clock, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

/** The person with a second device, listed in a newer bundle of the same account. */
async function withSecondDevice(who: Person): Promise<{ both: Person["bundle"]; second: Person }> {
  const device = await signerFromSeed(new Uint8Array(32).fill(200));
  const both = await signBundle(who.account, {
    version: who.bundle.version + 1,
    createdAtMs: NOW,
    expiresAtMs: who.bundle.expiresAtMs,
    devices: [...who.bundle.devices, { key: device.publicKey, name: "second", addedAtMs: NOW }],
  });
  return { both, second: { account: who.account, device, bundle: both } };
}

const code = (wanted: string) => (thrown: unknown) => (thrown as { code?: string }).code === wanted;

Deno.test("whoever registers a name is let in with the token, on this connection and on the next", async () => {
  await using home = await accountRelay();
  const ada = await person(1, NOW);
  await using first = await home.relay.connect(ada);
  await assert.rejects(first.capabilities(), code("login_needed"));
  const token = await register(first, ada, "Ada.Lovelace".toLowerCase(), "correct horse");
  assert.match(token, /^qsess_[\w-]{43}$/);
  await first.capabilities();
  await using again = await home.relay.connect(ada, { token });
  const shown = await again.rpc.unary(calls.showAccount, {});
  assert.equal(shown.name, "ada.lovelace");
  assert.deepEqual(shown.account, ada.bundle.account);
  assert.equal(shown.registeredAtMs, BigInt(NOW));
  assert.equal(shown.sessions, 1);
  await using without = await home.relay.connect(ada);
  await assert.rejects(without.capabilities(), code("login_needed"));
});

Deno.test("a listed device signs in with the password, and the session that it had before ends", async () => {
  await using home = await accountRelay();
  const ada = await person(1, NOW);
  await using first = await home.relay.connect(ada);
  const older = await register(first, ada, "ada", "correct horse");
  await using second = await home.relay.connect(ada);
  const newer = await login(second, "ADA".toLowerCase(), "correct horse");
  await second.capabilities();
  assert.notEqual(newer, older);
  await using third = await home.relay.connect(ada, { token: older });
  await assert.rejects(third.capabilities(), code("login_needed"));
});

Deno.test("the right password alone admits no device: not a stranger's, not one of another account", async () => {
  await using home = await accountRelay();
  const [ada, eve] = await Promise.all([1, 2].map((number) => person(number, NOW)));
  await using owner = await home.relay.connect(ada);
  await register(owner, ada, "ada", "correct horse");
  await using stranger = await home.relay.connect(eve);
  await assert.rejects(login(stranger, "ada", "correct horse"), code("not_listed"));
  await register(stranger, eve, "eve", "something else");
  await assert.rejects(login(stranger, "ada", "correct horse"), code("not_listed"));
});

Deno.test("names: taken, alike, reserved, malformed, and an account has one", async (t) => {
  await using home = await accountRelay();
  const ada = await person(1, NOW);
  await using owner = await home.relay.connect(ada);
  await register(owner, ada, "armin", "correct horse");
  const rows: [string, string, string][] = [
    ["the same name", "armin", "name_taken"],
    ["a name that looks like it", "arrnin", "name_taken"],
    ["with a dot in between", "ar.min", "name_taken"],
    ["a reserved name", "operator", "bad_name"],
    ["no name at all", "a", "bad_name"],
  ];
  let number = 10;
  for (const [what, name, wanted] of rows) {
    await t.step(what, async () => {
      const other = await person(number++, NOW);
      await using client = await home.relay.connect(other);
      await assert.rejects(register(client, other, name, "correct horse"), code(wanted));
      await assert.rejects(client.capabilities(), code("login_needed"));
    });
  }
  await t.step("another name for the same account", async () => {
    await assert.rejects(register(owner, ada, "other", "correct horse"), code("name_taken"));
  });
});

Deno.test("a registration that was not begun on this connection, for this name, is refused", async () => {
  await using home = await accountRelay();
  const ada = await person(1, NOW);
  await using client = await home.relay.connect(ada);
  const record = await recordFor(client, "ada", "correct horse");
  const finish = (name: string, on = client) =>
    on.rpc.unary(calls.registerFinish, { name, record, bundle: ada.bundle.bytes });
  await using other = await home.relay.connect(ada);
  await assert.rejects(finish("ada", other), code("bad_frame"));
  await assert.rejects(finish("grace"), code("bad_frame"));
  await assert.rejects(finish("ada"), code("bad_frame"), "the wrong name used it up");
  await recordFor(client, "ada", "x");
  home.clock.now += 61_000;
  await assert.rejects(finish("ada"), code("bad_frame"), "a minute is over");
});

Deno.test("names lead to accounts for those who are in; unknown and impossible ones lead nowhere", async () => {
  await using home = await accountRelay();
  const [ada, bob] = await Promise.all([1, 2].map((number) => person(number, NOW)));
  await using client = await home.relay.connect(ada);
  await register(client, ada, "ada", "correct horse");
  await using bobs = await home.relay.connect(bob);
  await assert.rejects(bobs.rpc.unary(calls.resolveName, { name: "ada" }), code("login_needed"));
  await register(bobs, bob, "bob", "another horse");
  const resolve = async (name: string) => (await bobs.rpc.unary(calls.resolveName, { name })).account.toHex();
  assert.equal(await resolve("Ada"), ada.bundle.account.toHex());
  assert.equal(await resolve("nobody"), "");
  assert.equal(await resolve("a b"), "");
});

Deno.test("a session ends 30 days after its last use, and each use moves the end on", async () => {
  await using home = await accountRelay();
  const ada = await person(1, NOW);
  let token: string;
  {
    await using client = await home.relay.connect(ada);
    token = await register(client, ada, "ada", "correct horse");
  }
  const comesIn = async () => {
    await using client = await home.relay.connect(ada, { token });
    return await client.capabilities().then(() => true, (thrown) => thrown.code);
  };
  home.clock.now += SESSION_MS - 1;
  assert.equal(await comesIn(), true);
  home.clock.now += SESSION_MS - 1;
  assert.equal(await comesIn(), true, "the first use moved it on");
  home.clock.now += SESSION_MS;
  assert.equal(await comesIn(), "login_needed");
});

Deno.test("a device signs another one out, whose connections end at once; strangers' devices are none of the account", async () => {
  await using home = await accountRelay();
  const [ada, eve] = await Promise.all([1, 2].map((number) => person(number, NOW)));
  const { both, second } = await withSecondDevice(ada);
  await using client = await home.relay.connect(ada);
  await register(client, ada, "ada", "correct horse");
  await client.publishBundle(both.bytes, ada.bundle.version);
  await using laptop = await home.relay.connect(second);
  const token = await login(laptop, "ada", "correct horse");
  assert.equal((await client.rpc.unary(calls.showAccount, {})).sessions, 2);
  const strange = client.rpc.unary(calls.logout, { device: eve.device.publicKey });
  await assert.rejects(strange, code("no_such_device"));
  await client.rpc.unary(calls.logout, { device: second.device.publicKey });
  await assert.rejects(laptop.capabilities(), code("login_needed"));
  await laptop.closed;
  await using back = await home.relay.connect(second, { token });
  await assert.rejects(back.capabilities(), code("login_needed"));
  await client.rpc.unary(calls.logout, {});
  await assert.rejects(client.capabilities(), code("login_needed"));
});

Deno.test("a new password needs a login on this connection, ends all other sessions, and the old one is wrong then", async () => {
  await using home = await accountRelay();
  const ada = await person(1, NOW);
  const { both, second } = await withSecondDevice(ada);
  await using client = await home.relay.connect(ada);
  await register(client, ada, "ada", "correct horse");
  await client.publishBundle(both.bytes, ada.bundle.version);
  await using laptop = await home.relay.connect(second);
  await login(laptop, "ada", "correct horse");

  const change = async (password: string) => {
    const { state, request } = await beginRegistration(password);
    const { response } = await client.rpc.unary(calls.changePassword, { step: { case: "request", value: request } });
    const record = await finishRegistration(password, state, parties(client, "ada"), response);
    await client.rpc.unary(calls.changePassword, { step: { case: "record", value: record } });
  };
  await assert.rejects(change("battery staple"), code("login_needed"), "registering was no login");
  const token = await login(client, "ada", "correct horse");
  home.clock.now += 5 * 60_000;
  await assert.rejects(change("battery staple"), code("login_needed"), "five minutes later");
  await login(client, "ada", "correct horse");
  await using slow = await home.relay.connect(ada);
  const late = await startLogin(slow, "ada", "correct horse");
  await change("battery staple");
  const lateFinish = slow.rpc.unary(calls.loginFinish, { login: late.login, finish: late.finish! });
  await assert.rejects(lateFinish, code("wrong_password"), "a login that the old one began");
  await assert.rejects(change("once more"), code("login_needed"), "a login is good for one change");
  await laptop.closed;
  await client.capabilities();
  assert.equal((await client.rpc.unary(calls.showAccount, {})).sessions, 1);
  await using old = await home.relay.connect(ada);
  assert.equal((await startLogin(old, "ada", "correct horse")).finish, null);
  await login(old, "ada", "battery staple");
  await using replayed = await home.relay.connect(ada, { token });
  await assert.rejects(replayed.capabilities(), code("login_needed"), "a newer login has replaced it");
});

Deno.test("the relay tells its own devices when they were last here, to the hour", async () => {
  await using home = await accountRelay();
  const ada = await person(1, NOW);
  const { both, second } = await withSecondDevice(ada);
  await using client = await home.relay.connect(ada);
  const token = await register(client, ada, "ada", "correct horse");
  await client.publishBundle(both.bytes, ada.bundle.version);
  home.clock.now += 90 * 60_000;
  await using again = await home.relay.connect(ada, { token });
  const seen = async () => (await again.rpc.unary(calls.listDevices, {})).devices;
  // The note is made beside the hello, not before it.
  let devices = await seen();
  while (devices[0].lastSeenMs === 0n) devices = await seen();
  assert.deepEqual(devices.map(({ device }) => device.toHex()), [
    ada.device.publicKey.toHex(),
    second.device.publicKey.toHex(),
  ]);
  assert.equal(Number(devices[0].lastSeenMs), Math.floor((NOW + 90 * 60_000) / HOUR) * HOUR);
  assert.equal(devices[1].lastSeenMs, 0n);
});

Deno.test("a deleted account is told so, signs in no more, and its name goes to nobody else for 30 days", async () => {
  await using home = await accountRelay({ limits: { loginsPerIpPerHour: 0 } });
  const [ada, bob] = await Promise.all([1, 2].map((number) => person(number, NOW)));
  let token: string;
  {
    await using client = await home.relay.connect(ada);
    token = await register(client, ada, "ada", "correct horse");
    const end = await signAccountEnd(ada.account, NOW);
    await client.rpc.unary(RecoveryService.method.deleteAccount, { end: end.bytes });
  }
  await using back = await home.relay.connect(ada, { token, bundle: ada.bundle.bytes });
  await assert.rejects(back.capabilities(), code("account_ended"));
  await using unsaid = await home.relay.connect(ada, { token });
  assert.equal((await startLogin(unsaid, "ada", "correct horse")).finish, null, "the password is nobody's");
  await assert.rejects(register(unsaid, ada, "ada2", "correct horse"), code("account_ended"));
  await using other = await home.relay.connect(bob);
  await assert.rejects(register(other, bob, "a.da", "correct horse"), code("name_taken"));
  home.clock.now += 30 * 24 * HOUR;
  await using later = await home.relay.connect(bob);
  await register(later, bob, "a.da", "correct horse");
});

Deno.test("where a key is enough there are no names, and what asks about them says so or answers nothing", async () => {
  await using relay = await testRelay({ now: () => NOW });
  const ada = await person(1, NOW);
  await using client = await relay.join(ada);
  for (const method of [calls.registerStart, calls.registerFinish, calls.loginStart, calls.loginFinish] as const) {
    await assert.rejects(client.rpc.unary(method as typeof calls.loginStart, {}), code("no_accounts"), method.name);
  }
  for (const method of [calls.logout, calls.changePassword] as const) {
    await assert.rejects(client.rpc.unary(method as typeof calls.logout, {}), code("no_accounts"), method.name);
  }
  const shown = await client.rpc.unary(calls.showAccount, {});
  assert.deepEqual(shown.account, ada.bundle.account);
  assert.equal(shown.name, "");
  assert.equal((await client.rpc.unary(calls.resolveName, { name: "ada" })).account.length, 0);
  assert.equal((await client.rpc.unary(calls.listDevices, {})).devices.length, 1);
});

Deno.test("the relay's password setup lives through a restart, and another root key does not open it", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "qight-relay-" });
  try {
    const ada = await person(1, NOW);
    const options = { dataDir, auth: { mode: "account" as const }, now: () => NOW };
    {
      await using relay = await testRelay(options);
      await using client = await relay.connect(ada);
      await register(client, ada, "ada", "correct horse");
    }
    {
      await using relay = await testRelay(options);
      await using client = await relay.connect(ada);
      await login(client, "ada", "correct horse");
    }
    const text = await Deno.readTextFile(`${dataDir}/root.key`);
    const other = new Uint8Array(32).fill(3).toBase64({ alphabet: "base64url", omitPadding: true });
    await Deno.writeTextFile(`${dataDir}/root.key`, text.replace(/(QIGHT-RELAY-ROOT-1-).*/, `$1${other}`));
    await assert.rejects(testRelay(options), code("config"));
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
