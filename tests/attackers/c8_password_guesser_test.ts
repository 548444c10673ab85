/**
 * C8, a password guesser: who has names and a wordlist, captured logins, stolen tokens or a copy of the database gets no
 * further than ten tries, and learns of no name whether it is known.
 * @module
 */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import type { RelayClient } from "../../client/relay_client.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { signBundle } from "../../crypto/bundle.ts";
import { beginLogin } from "../../crypto/opaque.ts";
import { tokenHash } from "../../relay/tokens.ts";
import { type Person, person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { calls, login, register, startLogin } from "../helpers/signing_in.ts";
import { silentLog, type TestRelay, testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const PASSWORD = "correct horse";

/** A relay with the name ada, a clock to turn, and no limit for each address unless it is asked for. */
async function scene(limits: { loginsPerIpPerHour?: number } = {}) {
  const clock = { now: NOW };
  const dataDir = await Deno.makeTempDir({ prefix: "qight-relay-" });
  const start = () =>
    testRelay({
      dataDir,
      auth: { mode: "account" },
      now: () => clock.now,
      limits: { loginsPerIpPerHour: 0, idleTimeoutMs: 0, ...limits },
    });
  const relay = await start();
  const [ada, eve] = await Promise.all([1, 2].map((number) => person(number, NOW)));
  let token: string;
  {
    await using client = await relay.connect(ada);
    token = await register(client, ada, "ada", PASSWORD);
  }
  return {
    relay,
    clock,
    ada,
    eve,
    token,
    dataDir,
    start,
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

/** One guess as far as the relay sees it: what its answer was, or how long to wait. No guess is stretched. */
async function guess(client: RelayClient, name: string): Promise<{ bytes: number; retryAfterMs: number } | number> {
  const { request } = await beginLogin("guess");
  try {
    const { response, login, retryAfterMs } = await client.rpc.unary(calls.loginStart, { name, request });
    return { bytes: response.length + login.length, retryAfterMs };
  } catch (thrown) {
    const { code, retryAfterMs } = thrown as { code: string; retryAfterMs?: number };
    assert.equal(code, "wrong_password");
    assert.ok(retryAfterMs! > 0, "77 with the time to wait");
    return retryAfterMs!;
  }
}

async function comesIn(relay: TestRelay, who: Person, token: string): Promise<true | string> {
  await using client = await relay.connect(who, { token });
  return await client.capabilities().then(() => true as const, (thrown) => thrown.code);
}

Deno.test("C8: a thousand guesses at a name take five weeks, with the waits of a name that nobody has", async () => {
  await using at = await scene();
  await using client = await at.relay.connect(at.eve);
  const waits: Record<string, number[]> = { ada: [], nobody: [] };
  const began = at.clock.now;
  const most: Record<string, number> = { ada: 1000, nobody: 100 };
  for (const name of ["ada", "nobody"]) {
    at.clock.now = began + (name === "ada" ? 0 : 400 * 24 * 60 * MINUTE);
    const start = at.clock.now;
    for (let guesses = 0; guesses < most[name];) {
      const answered = await guess(client, name);
      if (typeof answered === "number") {
        waits[name].push(answered);
        at.clock.now += answered;
      } else guesses++;
    }
    const days = (at.clock.now - start) / (24 * 60 * MINUTE);
    if (name === "ada") assert.ok(days > 35, `${days} days`);
  }
  assert.deepEqual(waits.ada.slice(0, 8).map((ms) => ms / MINUTE), [1, 2, 4, 8, 16, 32, 60, 60]);
  assert.deepEqual(waits.ada.slice(0, waits.nobody.length), waits.nobody);
});

Deno.test("C8: strangers who guess do not keep the owner out, whose device is counted alone; a login makes all tries free", async () => {
  await using at = await scene();
  await using stranger = await at.relay.connect(at.eve);
  for (let count = 0; count < 10; count++) assert.equal(typeof await guess(stranger, "ada"), "object");
  assert.equal(await guess(stranger, "ada"), MINUTE);
  await using owner = await at.relay.connect(at.ada);
  for (let count = 0; count < 9; count++) assert.equal(typeof await guess(owner, "ada"), "object");
  await login(owner, "ada", PASSWORD);
  for (let count = 0; count < 10; count++) assert.equal(typeof await guess(owner, "ada"), "object");
  assert.equal(await guess(owner, "ada"), MINUTE);
  assert.equal(await guess(stranger, "ada"), MINUTE, "the owner's login frees no stranger's tries");
});

Deno.test("C8: from one address 30 tries an hour go, over all names and connections", async () => {
  await using at = await scene({ loginsPerIpPerHour: 30 });
  for (let count = 0; count < 30; count++) {
    await using client = await at.relay.connect(at.eve);
    assert.equal(typeof await guess(client, `name${count}`), "object");
  }
  await using client = await at.relay.connect(at.eve);
  assert.equal(await guess(client, "one.more"), 2 * MINUTE);
});

Deno.test("C8: a name that nobody has is answered like a known one: same fields, same lengths, same end", async () => {
  await using at = await scene();
  await using client = await at.relay.connect(at.eve);
  const seen = [];
  for (const name of ["ada", "nobody"]) {
    const { login, response, retryAfterMs, finish } = await startLogin(client, name, "a wrong one");
    assert.equal(finish, null, "the client cannot tell either");
    const error = await refusal(() => client.rpc.unary(calls.loginFinish, { login, finish: "A".repeat(86) }));
    const { code, message, hint } = error;
    seen.push({
      lengths: [login.length, response.length],
      retryAfterMs,
      code,
      message,
      hint,
      wait: error.retryAfterMs,
    });
  }
  assert.deepEqual(seen[0], seen[1]);
});

Deno.test("C8: the finish of a login is taken once, on its own connection, within a minute", async (t) => {
  await using at = await scene();
  await using client = await at.relay.connect(at.ada);
  await using other = await at.relay.connect(at.ada);
  const finishOn = async (on: RelayClient, proof: { login: Uint8Array; finish: string | null }) =>
    await on.rpc.unary(calls.loginFinish, { login: proof.login, finish: proof.finish! }).then(
      () => "in",
      (e) => e.code,
    );
  await t.step("replayed on the same connection", async () => {
    const proof = await startLogin(client, "ada", PASSWORD);
    assert.equal(await finishOn(client, proof), "in");
    assert.equal(await finishOn(client, proof), "wrong_password");
    assert.equal(await finishOn(other, proof), "wrong_password", "and on another one");
  });
  await t.step("on another connection, which does not use it up", async () => {
    const proof = await startLogin(client, "ada", PASSWORD);
    assert.equal(await finishOn(other, proof), "wrong_password");
    assert.equal(await finishOn(client, proof), "in");
  });
  await t.step("with a wrong proof first", async () => {
    const proof = await startLogin(client, "ada", PASSWORD);
    assert.equal(await finishOn(client, { ...proof, finish: "A".repeat(86) }), "wrong_password");
    assert.equal(await finishOn(client, proof), "wrong_password");
  });
  await t.step("after 61 s", async () => {
    const proof = await startLogin(client, "ada", PASSWORD);
    at.clock.now += 61_000;
    assert.equal(await finishOn(client, proof), "wrong_password");
  });
  await t.step("the proof of one login for another one", async () => {
    const [one, two] = [await startLogin(client, "ada", PASSWORD), await startLogin(client, "ada", PASSWORD)];
    assert.equal(await finishOn(client, { login: two.login, finish: one.finish }), "wrong_password");
  });
});

Deno.test("C8: a stolen token is worth nothing: not with another device, not after a login or a logout", async () => {
  await using at = await scene();
  assert.equal(await comesIn(at.relay, at.ada, at.token), true);
  await using thief = await at.relay.connect(at.eve);
  await register(thief, at.eve, "eve", "something else");
  assert.equal(await comesIn(at.relay, at.eve, at.token), "login_needed");
  for (const token of ["", "qsess_", at.token.slice(0, -1), `${at.token} `, at.token.toUpperCase()]) {
    assert.equal(await comesIn(at.relay, at.ada, token), "login_needed", token);
  }
  await using client = await at.relay.connect(at.ada);
  const newer = await login(client, "ada", PASSWORD);
  assert.equal(await comesIn(at.relay, at.ada, at.token), "login_needed", "a login replaces the session");
  assert.equal(await comesIn(at.relay, at.ada, newer), true);
  await client.rpc.unary(calls.logout, {});
  assert.equal(await comesIn(at.relay, at.ada, newer), "login_needed");
});

Deno.test("C8: a token ends with the device's place on the list, and its connection at once", async () => {
  await using at = await scene();
  const laptop = await signerFromSeed(new Uint8Array(32).fill(9));
  const listing = (version: number, devices: Person["bundle"]["devices"], devicesOnly: boolean) =>
    signBundle(at.ada.account, {
      version,
      createdAtMs: NOW,
      expiresAtMs: at.ada.bundle.expiresAtMs,
      devices,
      devicesOnly,
    });
  const both = [...at.ada.bundle.devices, { key: laptop.publicKey, name: "laptop", addedAtMs: NOW }];
  await using client = await at.relay.connect(at.ada, { token: at.token });
  await client.publishBundle((await listing(NOW + 1, both, false)).bytes, NOW);
  const second: Person = { account: at.ada.account, device: laptop, bundle: await listing(NOW + 1, both, false) };
  await using there = await at.relay.connect(second);
  const token = await login(there, "ada", PASSWORD);
  await client.publishBundle((await listing(NOW + 2, at.ada.bundle.devices, true)).bytes, NOW + 1);
  await there.closed;
  await using back = await at.relay.connect(second, { token, bundle: second.bundle.bytes });
  assert.equal((await refusal(() => back.capabilities())).code, "not_listed");
  assert.equal((await refusal(() => login(back, "ada", PASSWORD))).code, "not_listed", "nor does the password help");
  assert.equal((await refusal(() => back.publishBundle(second.bundle.bytes, NOW + 2))).code, "key_changed");
});

Deno.test("C8: who writes into the database adds no device: rows without the account's signature admit nobody", async () => {
  await using at = await scene();
  await at.relay.relay.stop();
  const token = `qsess_${"A".repeat(43)}`;
  const eve = at.eve.device.publicKey, ada = at.ada.bundle.account;
  const db = new Database(`${at.dataDir}/relay.db`);
  try {
    // The device is Ada's by every row that there is, and has a session; her bundle alone does not say so.
    db.prepare("INSERT INTO mailboxes (device, account) VALUES (?, ?)").run(eve, ada);
    db.prepare("UPDATE accounts SET devices = CAST(devices || ? AS BLOB) WHERE account = ?").run(eve, ada);
    db.prepare("INSERT INTO sessions (token_hash, device, account, created, expires) VALUES (?, ?, ?, ?, ?)")
      .run(tokenHash(token), eve, ada, NOW, NOW + 86_400_000);
  } finally {
    db.close();
  }
  await using again = await at.start();
  assert.equal(await comesIn(again, at.ada, at.token), true);
  assert.equal(await comesIn(again, at.eve, token), "login_needed");
  await using client = await again.connect(at.eve);
  assert.equal((await refusal(() => login(client, "ada", PASSWORD))).code, "not_listed", "nor with the password");
});

Deno.test("C8: the log names the address of who guesses, never a name; who has yet to sign in is not in it", async () => {
  const lines: string[] = [];
  await using relay = await testRelay({ auth: { mode: "account" }, now: () => NOW, log: silentLog(lines) });
  const eve = await person(2, NOW);
  await using client = await relay.connect(eve);
  assert.equal((await refusal(() => client.capabilities())).code, "login_needed");
  assert.deepEqual(lines.filter((line) => line.includes("turned away")), []);
  const { login } = await startLogin(client, "nobody.at.all", "x");
  await refusal(() => client.rpc.unary(calls.loginFinish, { login, finish: "A".repeat(86) }));
  for (let count = 1; count < 10; count++) await guess(client, "nobody.at.all");
  assert.equal(await guess(client, "nobody.at.all"), MINUTE);
  const reasons = lines.filter((line) => line.includes("turned away")).map((line) =>
    /"reason":"(\w+)"/.exec(line)?.[1]
  );
  assert.deepEqual(reasons, ["wrong_password", "too_many_logins"]);
  assert.ok(!lines.some((line) => line.includes("nobody.at")));
});
