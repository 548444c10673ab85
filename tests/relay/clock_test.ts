/**
 * A relay whose clock is wrong or is set while it runs, and senders whose clocks are.
 * @module
 */
import assert from "node:assert/strict";
import type { DeliveryEvent, RelayClient } from "../../client/relay_client.ts";
import { parseEnvelope } from "../../crypto/envelope.ts";
import { type ErrorCode, QightError } from "../../proto/errors.ts";
import { SessionService } from "../../proto/gen/qight/v1/session_pb.ts";
import { envelope, type Person, person } from "../helpers/people.ts";
import { silentLog, testRelay } from "../helpers/test_relay.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
// Files have the machine's real time, so these tests begin there.
const START = Date.now();

const skews = [["a year behind", -YEAR], ["an hour behind", -HOUR], ["an hour ahead", HOUR], ["a year ahead", YEAR]];

/** A clock that is set by hand; `passed` never leaps. */
class Clock {
  #passed = 0;
  #wall = START;
  readonly now = () => this.#wall;
  readonly monotonic = () => this.#passed;
  pass(ms: number): void {
    this.#passed += ms;
    this.#wall += ms;
  }
  set(ms: number): void {
    this.#wall += ms;
  }
}

/** The relay's own timers, run by hand: what it does every 500 ms, every minute and every hour. */
class Housekeeping implements Disposable {
  readonly #real = globalThis.setInterval;
  readonly #tasks: (() => unknown)[] = [];

  constructor() {
    globalThis.setInterval = ((task: () => unknown, ms: number) => {
      if (![500, MINUTE, HOUR].includes(ms)) return this.#real(task, ms);
      this.#tasks.push(task);
      return 0;
    }) as unknown as typeof setInterval;
  }

  run(): void {
    for (const task of this.#tasks) task();
  }

  [Symbol.dispose](): void {
    globalThis.setInterval = this.#real;
  }
}

function texts(events: DeliveryEvent[]): string[] {
  return events.filter((event) => event.type === "delivered")
    .map((event) => new TextDecoder().decode(parseEnvelope(event.envelope).payload));
}

async function peek(client: RelayClient): Promise<DeliveryEvent[]> {
  return (await Array.fromAsync(client.fetch({ peek: true }))).filter(({ type }) => type !== "caught_up");
}

async function people(): Promise<[Person, Person]> {
  return await Promise.all([person(1, START), person(2, START)]);
}

for (const [how, skew] of skews as [string, number][]) {
  Deno.test(`regression: a relay whose clock leaps and is then ${how} for half an hour loses no mail and repeats none`, async () => {
    const [alice, bob] = await people();
    const clock = new Clock();
    using housekeeping = new Housekeeping();
    await using relay = await testRelay(clock);
    await using sender = await relay.join(alice);
    await using reader = await relay.join(bob);
    const first = await envelope(alice, bob, START, { text: "before", ttlS: 3600 });
    const { seq, expiresAtMs } = await sender.send(first);
    assert.equal(expiresAtMs, START + HOUR, "counted from the relay's receipt");
    clock.set(skew);
    for (let minute = 0; minute < 30; minute++) {
      clock.pass(MINUTE);
      housekeeping.run();
      await reader.ping(); // what was begun before is over
    }
    assert.deepEqual(texts(await peek(reader)), ["before"]);
    assert.equal((await peek(reader)).length, 1, "nothing is called expired");
    clock.set(-skew);
    clock.pass(MINUTE);
    housekeeping.run();
    assert.deepEqual(texts(await peek(reader)), ["before"]);
    const again = await sender.send(first);
    assert.deepEqual([again.seq, again.duplicate], [seq, true], "its dedup memory is there");
  });
}

Deno.test("regression: a relay that starts with a clock a year ahead deletes nothing for an hour, and says why", async () => {
  const [alice, bob] = await people();
  const dataDir = await Deno.makeTempDir();
  const clock = new Clock();
  {
    await using relay = await testRelay({ ...clock, dataDir });
    await using sender = await relay.join(alice);
    await using _reader = await relay.join(bob);
    await sender.send(await envelope(alice, bob, START, { text: "still here", ttlS: 60 }));
  }
  clock.set(YEAR);
  const lines: string[] = [];
  {
    using housekeeping = new Housekeeping();
    await using relay = await testRelay({ ...clock, dataDir, log: silentLog(lines) });
    await using reader = await relay.connect(bob);
    housekeeping.run();
    assert.deepEqual(texts(await peek(reader)), ["still here"]);
    clock.pass(61 * MINUTE);
    assert.deepEqual((await peek(reader)).map(({ type }) => type), ["expired"], "a clock that stays is believed");
  }
  assert.equal(lines.filter((line) => line.includes("the clock is ahead")).length, 1, lines.join("\n"));
  await Deno.remove(dataDir, { recursive: true });
});

const senders: [string, number, ErrorCode | null, RegExp][] = [
  ["a year behind", -YEAR, "expired", /older than the relay keeps messages/],
  ["an hour behind", -HOUR, null, /./],
  ["nine minutes ahead", 9 * MINUTE, null, /./],
  ["an hour ahead", HOUR, "from_the_future", /more than 10 minutes ahead of the relay's clock/],
  ["a year ahead", YEAR, "from_the_future", /more than 10 minutes ahead of the relay's clock/],
];
for (const [how, skew, code, says] of senders) {
  const what = code === null ? "is kept its whole time, from the relay's receipt" : "is refused with a clear text";
  Deno.test(`mail from a sender whose clock is ${how} ${what}`, async () => {
    const [alice, bob] = await people();
    const clock = new Clock();
    await using relay = await testRelay(clock);
    await using sender = await relay.join(alice);
    await using reader = await relay.join(bob);
    const sent = sender.send(await envelope(alice, bob, START, { createdAtMs: START + skew, ttlS: 7200 }));
    if (code !== null) {
      return await assert.rejects(sent, (thrown) => {
        assert.ok(thrown instanceof QightError);
        assert.equal(thrown.code, code);
        assert.match(`${thrown.message} ${thrown.hint}`, says);
        return true;
      });
    }
    assert.equal((await sent).expiresAtMs, START + 7_200_000);
    clock.pass(7_199_000);
    assert.deepEqual(texts(await peek(reader)), ["hello"]);
    clock.pass(1_000);
    assert.deepEqual(texts(await peek(reader)), []);
  });
}

for (const [how, skew] of skews as [string, number][]) {
  Deno.test(`regression: a call under way does not end, nor does a rate stop, when the clock is set ${how}`, async () => {
    const [alice, bob] = await people();
    const clock = new Clock();
    using housekeeping = new Housekeeping();
    await using relay = await testRelay({ ...clock, limits: { sendPerMinute: 60, sendBurst: 1 } });
    await using sender = await relay.join(alice);
    await using _reader = await relay.join(bob);
    await sender.send(await envelope(alice, bob, START));
    const hello = await sender.rpc.bidi(SessionService.method.hello, { timeoutMs: 60_000 });
    let ended = false;
    const waiting = hello.responses[Symbol.asyncIterator]().next().catch(() => undefined).finally(() => ended = true);
    await sender.ping();
    clock.set(skew);
    housekeeping.run();
    await sender.ping();
    assert.equal(ended, false, "the call under way goes on");
    clock.pass(1_000);
    await sender.send(await envelope(alice, bob, clock.now()));
    clock.pass(31_000);
    housekeeping.run();
    await waiting;
    assert.equal(ended, true, "its deadline counts the time that passed");
    hello.cancel();
  });
}
