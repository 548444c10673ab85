/** Progress of long work: what is said, when, and what makes room for what. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { watching } from "../../cli/watching.ts";
import { Progress, type ProgressRoom, progressText, type Unit } from "../../cli/progress.ts";

const MIB = 1024 ** 2;

function room(given: Partial<ProgressRoom> = {}) {
  const written: string[] = [];
  const clock = { ms: 1_000 };
  const made: ProgressRoom = {
    write: (text) => written.push(text),
    terminal: true,
    quiet: false,
    columns: () => 80,
    monotonic: () => clock.ms,
    ...given,
  };
  return { room: made, written, clock };
}

Deno.test("expectation 48: on a terminal a bar with rate and time left, drawn over itself, gone at the end", () => {
  const { room: screen, written, clock } = room();
  {
    using progress = new Progress("restoring", "bytes", screen);
    progress.update(1, 12 * MIB);
    clock.ms += 499;
    progress.update(MIB, 12 * MIB);
    assert.equal(written.length, 0, "short work shows nothing");
    clock.ms += 1_501;
    progress.update(3 * MIB, 12 * MIB);
    assert.equal(written[0], "\rrestoring [#####----------------] 3.0 MiB of 12.0 MiB  25 %  1.5 MiB/s  6s left");
    clock.ms += 99;
    progress.update(4 * MIB, 12 * MIB);
    assert.equal(written.length, 1, "ten times a second at most");
    clock.ms += 1;
    progress.update(12 * MIB, 12 * MIB);
    assert.match(written[1], /\[#+\] 12\.0 MiB of 12\.0 MiB {2}100 % {2}5\.7 MiB\/s *$/);
    clock.ms += 100;
    progress.update(12 * MIB);
    assert.match(written[2], /^\rrestoring 12\.0 MiB {2}5\.5 MiB\/s +$/);
    assert.equal(written[2].length, written[1].length, "nothing of the longer line before is left");
  }
  assert.match(written[3], /^\r +\r$/);
});

Deno.test("expectation 48: off a terminal at most one line in 10 s, the first after 10 s", () => {
  const { room: log, written, clock } = room({ terminal: false });
  const progress = new Progress("backup", "bytes", log);
  for (let done = 0; done <= 300; done++, clock.ms += 100) progress.update(done * MIB, 300 * MIB);
  assert.deepEqual(written, [
    "backup: 100.0 MiB of 300.0 MiB  33 %  10.0 MiB/s  20s left\n",
    "backup: 200.0 MiB of 300.0 MiB  66 %  10.0 MiB/s  10s left\n",
    "backup: 300.0 MiB of 300.0 MiB  100 %  10.0 MiB/s\n",
  ]);
});

Deno.test("with -q nothing is said, on a terminal and off it", () => {
  for (const terminal of [true, false]) {
    const { room: silent, written, clock } = room({ terminal, quiet: true });
    using progress = new Progress("backup", "bytes", silent);
    clock.ms += 60_000;
    progress.update(1, 2);
    assert.deepEqual(written, []);
  }
});

Deno.test("a line that comes meanwhile is written where the bar was, and the bar comes back", () => {
  const { room: screen, written, clock } = room();
  const progress = new Progress("reading", "messages", screen);
  clock.ms += 1_000;
  progress.update(40);
  progress.hide();
  progress.hide();
  clock.ms += 1_000;
  progress.update(60);
  const [first, cleared, again, ...more] = written;
  assert.equal(first, "\rreading 40 messages  40 messages/s");
  assert.equal(cleared, `\r${" ".repeat(first.length - 1)}\r`);
  assert.equal(again, "\rreading 60 messages  30 messages/s");
  assert.deepEqual(more, []);
});

Deno.test("no line is longer than the terminal, whatever is counted", () => {
  const numbers = fc.record({
    done: fc.nat(),
    total: fc.option(fc.nat(), { nil: undefined }),
    columns: fc.integer({ min: 1, max: 200 }),
    elapsedMs: fc.integer({ min: 500, max: 2 ** 31 }),
    unit: fc.constantFrom<Unit>("bytes", "messages", "pages", "calls"),
  });
  fc.assert(
    fc.property(numbers, ({ done, total, columns, elapsedMs, unit }) => {
      const { room: screen, written, clock } = room({ columns: () => columns });
      const progress = new Progress("salvaging", unit, screen);
      clock.ms += elapsedMs;
      progress.update(done, total);
      assert.equal(written.length, 1);
      assert.ok(written[0].length - 1 < columns, written[0]);
      // deno-lint-ignore no-control-regex
      assert.ok(!/[\u001b\n]|NaN|Infinity|undefined/.test(written[0]), written[0]);
    }),
    { seed: 20261121 },
  );
});

Deno.test("sizes are KiB, MiB and GiB; nothing is divided by nothing", () => {
  const said = (done: number, total: number | undefined, elapsedMs: number) =>
    progressText({ done, total, unit: "bytes", elapsedMs });
  assert.equal(said(0, 0, 0), "0.0 KiB of 0.0 KiB  0 %  0.0 KiB/s");
  assert.equal(said(512, 2048, 1_000), "0.5 KiB of 2.0 KiB  25 %  0.5 KiB/s  3s left");
  assert.equal(said(3 * 1024 * MIB, undefined, 3_000), "3.0 GiB  1.0 GiB/s");
});

/** A clock whose timers run when the test says so. */
function handClock() {
  const timers = new Set<() => void>();
  const after = (_ms: number, run: () => void) => {
    timers.add(run);
    return () => timers.delete(run);
  };
  const ring = () => {
    for (const run of timers) {
      timers.delete(run);
      run();
    }
  };
  return { clock: { now: () => 0, monotonic: () => 0, after }, ring, timers };
}

Deno.test("work of the relay is looked at until it is done, and a look that fails is not its failure", async () => {
  const { clock, ring, timers } = handClock();
  const work = Promise.withResolvers<string>();
  const looked = Promise.withResolvers<void>();
  let looks = 0;
  const watched = watching(work.promise, () => {
    looks++;
    looked.resolve();
    return Promise.reject(new Error("the socket is gone"));
  }, clock);
  ring();
  await looked.promise;
  work.resolve("done");
  assert.equal(await watched, "done");
  assert.deepEqual([looks, timers.size], [1, 0], "no timer keeps the command alive");
});
