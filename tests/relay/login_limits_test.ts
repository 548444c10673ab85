/** Tries at passwords, logins under way and what is remembered of connections, under a clock that the test turns. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { defaultRelayConfig, readRelayConfig } from "../../relay/config.ts";
import { checkOpenToTheWorld } from "../../relay/config/exposure.ts";
import { createLimits } from "../../relay/limits.ts";
import { createLoginTries, FREE_TRIES } from "../../relay/limits/login_tries.ts";
import { createLoginStates, LOGIN_STATE_MS } from "../../relay/login_states.ts";
import { Peer } from "../../relay/peer.ts";
import { createPeerMemory } from "../../relay/peer_memory.ts";
import { QightError } from "../../proto/errors.ts";
import { createSessions, SESSION_MS, signedInBy } from "../../relay/sessions.ts";
import { tokenHash } from "../../relay/tokens.ts";
import { memoryPair } from "../../net/memory.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const peer = () => new Peer(memoryPair()[0], 0);

Deno.test("ten tries go at once, then one after 1, 2, 4 … 60 minutes; a refused try costs nothing, a right one frees all", () => {
  const clock = { now: 5 };
  const tries = createLoginTries({ now: () => clock.now });
  const rows: [string, number, number][] = [
    ["the eleventh", 0, MINUTE],
    ["refused ones make it no longer", 0, MINUTE],
    ["half a minute later", MINUTE / 2, MINUTE / 2],
    ["a minute later", MINUTE / 2, 0],
    ["then two minutes", 0, 2 * MINUTE],
    ["two minutes later", 2 * MINUTE, 0],
    ["then four", 0, 4 * MINUTE],
  ];
  for (let count = 0; count < FREE_TRIES; count++) assert.equal(tries.take("ada"), 0);
  for (const [what, later, wait] of rows) {
    clock.now += later;
    assert.equal(tries.wait("ada"), wait, what);
    assert.equal(tries.take("ada"), wait, what);
  }
  assert.equal(tries.take("bob"), 0, "another name has its own");
  for (let count = 0; count < 20; count++) {
    clock.now += tries.wait("ada");
    assert.equal(tries.take("ada"), 0);
  }
  assert.equal(tries.wait("ada"), HOUR, "never longer than an hour");
  clock.now += DAY;
  for (let count = 0; count < FREE_TRIES; count++) assert.equal(tries.take("ada"), 0, "a day without a try");
  assert.equal(tries.take("ada"), MINUTE);
  tries.reset("ada");
  assert.equal(tries.take("ada"), 0);
});

Deno.test("property: whatever the order of names and pauses, a name gets at most ten tries and 24 a day more", () => {
  const steps = fc.array(fc.record({ name: fc.constantFrom("a", "b"), later: fc.nat(2 * HOUR) }), { maxLength: 300 });
  fc.assert(fc.property(steps, (asked) => {
    let now = 1;
    const tries = createLoginTries({ now: () => now });
    const taken: Record<string, number[]> = { a: [], b: [] };
    for (const { name, later } of asked) {
      now += later;
      const expected = tries.wait(name);
      assert.equal(tries.take(name), expected);
      if (expected === 0) taken[name].push(now);
    }
    for (const times of Object.values(taken)) {
      for (const from of times) {
        assert.ok(times.filter((at) => at >= from && at < from + DAY).length <= FREE_TRIES + 6 + 24);
      }
    }
  }));
});

Deno.test("a million names that nobody has fill no memory", () => {
  const tries = createLoginTries({ now: () => 1, maxKeys: 1000 });
  for (let number = 0; number < 20_000; number++) tries.take(`name${number}`);
  assert.equal(tries.size, 1000);
});

Deno.test("tries count by address too: also those of names, devices and connections that are always others", () => {
  const clock = { now: 1_000_000 };
  const limits = createLimits({ limits: defaultRelayConfig("/d").limits, now: () => clock.now });
  for (let number = 0; number < 30; number++) assert.equal(limits.takeLogin("192.0.2.1", `name${number}`), 0);
  assert.equal(limits.takeLogin("192.0.2.1", "one more"), 2 * MINUTE);
  assert.equal(limits.takeLogin("192.0.2.2", "one more"), 0, "another address");
  limits.loginDone("name1");
  assert.equal(limits.loginWait("192.0.2.1", "name1"), 2 * MINUTE, "a right one frees the name, not the address");
  for (let count = 0; count < 50; count++) assert.equal(limits.takeRegistration("192.0.2.1"), 0);
  assert.ok(limits.takeRegistration("192.0.2.1") > 0);
});

Deno.test("a login under way is for one connection, once, for a minute; the oldest of five goes", () => {
  let now = 0;
  const states = createLoginStates<string>(() => now);
  const [ada, eve] = [peer(), peer()];
  const id = states.put(ada, "first");
  assert.equal(states.take(eve, id), null);
  assert.equal(states.take(ada, new Uint8Array(16)), null);
  assert.equal(states.take(ada, id), "first");
  assert.equal(states.take(ada, id), null);
  const late = states.put(ada, "late");
  now += LOGIN_STATE_MS;
  assert.equal(states.take(ada, late), null);
  assert.equal(states.size, 0);
  const many = ["1", "2", "3", "4", "5"].map((each) => states.put(ada, each));
  assert.equal(states.size, 4);
  assert.deepEqual(many.map((each) => states.take(ada, each)), [null, "2", "3", "4", "5"]);
});

Deno.test("logins under way are bounded in all, and room comes back with time", () => {
  let now = 0;
  let last = peer();
  const states = createLoginStates<number>(() => now);
  for (let number = 0; number < 16_384; number++) states.put(number % 4 === 0 ? last = peer() : last, number);
  assert.throws(() => states.put(peer(), 0), (thrown: { code?: string }) => thrown.code === "busy");
  now += LOGIN_STATE_MS;
  states.put(peer(), 0);
  assert.equal(states.size, 1);
});
Deno.test("what is remembered of a connection is its own, is taken once, and grows old", () => {
  let now = 0;
  const memory = createPeerMemory<string>(100, () => now);
  const [ada, eve] = [peer(), peer()];
  memory.set(ada, "x");
  assert.deepEqual([memory.get(ada), memory.get(eve), memory.take(ada), memory.get(ada)], ["x", null, "x", null]);
  memory.set(ada, "y");
  now += 100;
  assert.deepEqual([memory.get(ada), memory.take(ada)], [null, null]);
});

Deno.test("who stays connected uses the session all the time: its end moves on, once for all connections, not of who was refused", async () => {
  const touched: [string, number][] = [];
  const accounts = {
    session: () => Promise.resolve(null),
    putSession: () => Promise.resolve(),
    touchSession: (hash: Uint8Array, at: number) => Promise.resolve(void touched.push([hash.toHex(), at])),
  };
  const sessions = createSessions({ accounts, enabled: () => true, now: () => 1000 });
  const device = new Uint8Array(32).fill(1);
  const token = (await sessions.issue(device, device)).sessionToken;
  const connected = (signedInAs: string, refusal: QightError | null = null) => {
    const one = peer();
    one.session = { id: "", device, mailbox: "01", refusal, ...signedInBy(signedInAs) };
    return one;
  };
  const refused = connected(`qsess_${"B".repeat(43)}`, new QightError("login_needed"));
  await sessions.renew([connected(token), connected(token), refused, connected(""), peer()]);
  assert.deepEqual(touched, [[tokenHash(token).toHex(), 1000 + SESSION_MS]]);
});

Deno.test("a relay with accounts is not open to the world, and says its mode", () => {
  const tomlText = 'listen = ["[::]:4433"]\n[auth]\nmode = "account"\n';
  const { config } = readRelayConfig({ tomlText, env: {}, flags: { data_dir: "/d" }, root: false });
  assert.equal(config.auth.mode, "account");
  checkOpenToTheWorld(config, false);
});
