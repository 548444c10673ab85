/** The relay's limits under a clock that the test turns. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { defaultRelayConfig, type RelayLimits } from "../../relay/config.ts";
import { createLimits } from "../../relay/limits.ts";
import { createGcra } from "../../relay/limits/gcra.ts";
import { limitKey } from "../../relay/limits/limit_key.ts";

const alice = new Uint8Array(32).fill(1);
const bob = new Uint8Array(32).fill(2);
const day = 86_400_000;

function room(changes: Partial<RelayLimits>) {
  const clock = { now: 1_000_000 };
  const limits = { ...defaultRelayConfig("/d").limits, ...changes };
  return { clock, limits: createLimits({ limits, now: () => clock.now }), numbers: limits };
}

Deno.test("a device may send a burst, then one message each interval", () => {
  const { clock, limits } = room({ sendPerMinute: 60, sendBurst: 3 });
  const rows: [string, number, Uint8Array, number, number][] = [
    ["the burst", 0, alice, 1, 0],
    ["the burst", 0, alice, 2, 0],
    ["it is used up", 0, alice, 1, 1000],
    ["another device has its own", 0, bob, 3, 0],
    ["half an interval later", 500, alice, 1, 500],
    ["a whole interval later", 500, alice, 1, 0],
    ["and no more", 0, alice, 1, 1000],
    ["two need two intervals", 0, alice, 2, 2000],
    ["a refusal costs nothing", 1000, alice, 1, 0],
    ["after a long rest the burst is whole, not larger", 3_600_000, alice, 3, 0],
    ["after a long rest the burst is whole, not larger", 0, alice, 1, 1000],
  ];
  for (const [name, later, device, count, wait] of rows) {
    clock.now += later;
    assert.equal(limits.takeSend(device, count), wait, name);
  }
});

Deno.test("regression: whoever has rested gets a whole burst, at any fraction of a millisecond and any rate", () => {
  for (let rate = 1; rate <= 50; rate++) {
    let time = 700.1;
    const gcra = createGcra({ perPeriod: rate, periodMs: 60_000, burst: 1 + rate % 3, now: () => time });
    for (let i = 0; i < 50; i++, time += 1.37) {
      assert.equal(gcra.take(`key ${i}`, 1 + rate % 3), 0, `${rate} at ${time}`);
    }
  }
});

Deno.test("a batch larger than the burst goes through once and is owed", () => {
  const { clock, limits } = room({ sendPerMinute: 60, sendBurst: 3 });
  assert.equal(limits.takeSend(alice, 10), 0);
  assert.equal(limits.takeSend(alice), 8000, "10 - 3 owed, and one more");
  clock.now += 8000;
  assert.equal(limits.takeSend(alice), 0);
});

Deno.test("a clock that is turned back locks nobody out, one turned forward gives one burst", () => {
  const rows: [string, number][] = [["one year back", -365 * day], ["one hour back", -3_600_000], [
    "forward",
    365 * day,
  ]];
  for (const [name, jump] of rows) {
    const { clock, limits } = room({ sendPerMinute: 60, sendBurst: 2 });
    assert.equal(limits.takeSend(alice, 2), 0, name);
    clock.now += jump;
    if (jump < 0) assert.equal(limits.takeSend(alice), 1000, `${name}: no gift either`);
    clock.now += 2000;
    assert.equal(limits.takeSend(alice, 2), 0, name);
    assert.equal(limits.takeSend(alice), 1000, name);
  }
});

Deno.test("in any window no more passes than the burst and the rate allow", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 3000 }), fc.integer({ min: 1, max: 3 })), { maxLength: 200 }),
      (steps) => {
        const { clock, limits } = room({ sendPerMinute: 60, sendBurst: 5 });
        const passed: { at: number; count: number }[] = [];
        for (const [later, count] of steps) {
          clock.now += later;
          if (limits.takeSend(alice, count) === 0) passed.push({ at: clock.now, count });
        }
        for (let from = 0; from < passed.length; from++) {
          let sum = 0;
          for (let to = from; to < passed.length; to++) {
            sum += passed[to].count;
            assert.ok(sum <= 5 + (passed[to].at - passed[from].at) / 1000 + 1e-9);
          }
        }
      },
    ),
    { seed: 20261121 },
  );
});

Deno.test("0 turns a limit off", () => {
  const { limits } = room({ sendPerMinute: 0, connectionsPerIp: 0, newAccountsPerIpPerDay: 0 });
  for (let i = 0; i < 5000; i++) {
    assert.equal(limits.takeSend(alice, 100), 0);
    assert.ok(limits.admitConnection("203.0.113.1"));
    assert.ok(limits.takeNewAccount("203.0.113.1"));
  }
});

Deno.test("an address has so many connections, loopback any number", () => {
  const { limits } = room({ connectionsPerIp: 2 });
  const rows: [string, boolean][] = [
    ["203.0.113.1", true],
    ["::ffff:203.0.113.1", true], // the same one
    ["203.0.113.1", false],
    ["203.0.113.2", true],
    ["2001:db8:0:1::1", true],
    ["2001:db8:0:1:ffff::2", true], // the same /64
    ["2001:db8:0:1::3", false],
    ["2001:db8:0:2::3", true],
    ...Array.from({ length: 5 }, () => ["127.0.0.1", true] as [string, boolean]),
    ...Array.from({ length: 5 }, () => ["::1", true] as [string, boolean]),
    ...Array.from({ length: 5 }, () => ["::ffff:127.0.0.1", true] as [string, boolean]),
  ];
  for (const [ip, admitted] of rows) assert.equal(limits.admitConnection(ip), admitted, ip);
  limits.releaseConnection("203.0.113.1");
  assert.ok(limits.admitConnection("203.0.113.1"), "a released place is free again");
  assert.ok(!limits.admitConnection("203.0.113.1"));
});

Deno.test("an address makes a day's worth of accounts, and more as the day goes on", () => {
  const { clock, limits } = room({ newAccountsPerIpPerDay: 4 });
  for (let i = 0; i < 4; i++) assert.ok(limits.takeNewAccount("203.0.113.1"));
  assert.ok(!limits.takeNewAccount("203.0.113.1"));
  assert.ok(limits.takeNewAccount("203.0.113.2"));
  clock.now += day / 4;
  assert.ok(limits.takeNewAccount("203.0.113.1"));
  assert.ok(!limits.takeNewAccount("203.0.113.1"));
});

Deno.test("new limits hold at once and forget nothing", () => {
  const { clock, limits, numbers } = room({ sendPerMinute: 60, sendBurst: 3, connectionsPerIp: 1 });
  assert.equal(limits.takeSend(alice, 3), 0);
  assert.ok(limits.admitConnection("203.0.113.1"));
  limits.update({ ...numbers, sendBurst: 4, connectionsPerIp: 2 });
  assert.equal(limits.takeSend(alice), 0, "one more fits the larger burst");
  assert.equal(limits.takeSend(alice), 1000);
  assert.ok(limits.admitConnection("203.0.113.1"));
  assert.ok(!limits.admitConnection("203.0.113.1"));
  limits.update({ ...numbers, sendPerMinute: 0 });
  assert.equal(limits.takeSend(alice, 1000), 0);
  clock.now += 1;
});

Deno.test("memory is bounded: rested keys are forgotten, and beyond the bound the longest unused", () => {
  let time = 0;
  const gcra = createGcra({ perPeriod: 1, periodMs: 1000, burst: 1, now: () => time, maxKeys: 100 });
  for (let i = 0; i < 10_000; i++) gcra.take(`flood ${i}`, 1);
  assert.equal(gcra.size, 100);
  assert.ok(gcra.take("flood 9999", 1) > 0, "the newest is remembered");
  time += 10_000;
  for (let i = 0; i < 200; i++) gcra.take("one", 1), time += 1000;
  assert.equal(gcra.size, 1);
});

Deno.test("IPv6 counts by its /64, written in any way", () => {
  const rows: [string, string][] = [
    ["203.0.113.1", "203.0.113.1"],
    ["::ffff:203.0.113.1", "203.0.113.1"],
    ["0:0:0:0:0:ffff:203.0.113.1", "203.0.113.1"],
    ["2001:DB8::1", "2001:db8:0:0::/64"],
    ["2001:0db8:0000:0000:1:2:3:4", "2001:db8:0:0::/64"],
    ["[2001:db8::5]", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
  ];
  for (const [ip, key] of rows) assert.equal(limitKey(ip), key, ip);
});
