/** Time as expiry sees it when the wall clock leaps. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { createExpiryClock } from "../../relay/expiry_clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const START = 1_800_000_000_000;

/** A machine whose wall clock can be set while time passes. */
function machine(lastAtWorkMs: number | null = null) {
  const leaps: number[] = [];
  const time = { passed: 5_000, wall: START };
  const clock = createExpiryClock({
    now: () => time.wall,
    monotonic: () => time.passed,
    lastAtWorkMs,
    onLeap: (ms) => leaps.push(ms),
  });
  return {
    clock,
    leaps,
    pass(ms: number) {
      time.passed += ms;
      time.wall += ms;
    },
    set(ms: number) {
      time.wall += ms;
    },
    get wall() {
      return time.wall;
    },
  };
}

Deno.test("things expire by the clock while it runs as time passes", () => {
  const { clock, pass, leaps } = machine();
  assert.equal(clock(), START);
  pass(9 * DAY);
  assert.equal(clock(), START + 9 * DAY);
  assert.deepEqual(leaps, []);
});

for (const [name, leap] of [["an hour", HOUR], ["a year", YEAR]] as const) {
  Deno.test(`a clock that leaps ${name} ahead and back within the hour lets nothing expire early`, () => {
    const { clock, pass, set, leaps } = machine();
    set(leap);
    for (let minute = 0; minute < 59; minute++) {
      assert.equal(clock(), START + minute * MINUTE);
      pass(MINUTE);
    }
    set(-leap);
    assert.equal(clock(), START + 59 * MINUTE);
    assert.deepEqual(leaps, [leap], "told once");
  });

  Deno.test(`a clock that stays ${name} ahead for an hour is believed`, () => {
    const on = machine();
    on.set(leap);
    on.clock();
    on.pass(HOUR);
    assert.equal(on.clock(), on.wall);
  });

  Deno.test(`a clock that leaps ${name} back makes things expire late, never early`, () => {
    const { clock, pass, set } = machine();
    set(-leap);
    assert.equal(clock(), START - leap);
    pass(MINUTE);
    set(leap);
    assert.equal(clock(), START - leap + MINUTE, "the way ahead is a leap again");
  });
}

Deno.test("a second leap begins the hour anew", () => {
  const { clock, pass, set, leaps } = machine();
  set(HOUR);
  clock();
  pass(50 * MINUTE);
  set(YEAR);
  clock();
  pass(50 * MINUTE);
  assert.equal(clock(), START + 100 * MINUTE);
  assert.deepEqual(leaps, [HOUR, HOUR + YEAR]);
});

Deno.test("a relay that starts with a clock a year ahead of its files lets nothing expire for an hour", () => {
  const on = machine(START - YEAR);
  assert.equal(on.clock(), START - YEAR);
  on.pass(HOUR);
  assert.equal(on.clock(), on.wall);
  const rested = machine(START - 12 * HOUR);
  assert.equal(rested.clock(), START, "half a day of rest is no leap");
  assert.equal(machine(START + YEAR).clock(), START, "files from the future say nothing");
});

Deno.test("whatever the clock does, expiry is never ahead of it", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 * HOUR }), fc.integer({ min: -YEAR, max: YEAR })));
  fc.assert(fc.property(steps, (list) => {
    const on = machine();
    for (const [ms, leap] of list) {
      on.pass(ms);
      on.set(leap);
      assert.ok(on.clock() <= on.wall);
    }
  }));
});
