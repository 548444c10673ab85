/** The bad network does what it says, in the measure that it says, and the same again from the same seed. @module */
import assert from "node:assert/strict";
import { seeded } from "../random.ts";
import { type Arrival, createImpairment, type Impairment } from "./impairment.ts";

const SENT = 10_000;

const rows: readonly (readonly [string, Impairment, (fate: Fate) => void])[] = [
  ["nothing changes nothing", {}, ({ arrivals, same }) => assert.deepEqual([arrivals.length, same], [SENT, SENT])],
  ["2 % loss loses about 2 %", { loss: 0.02 }, ({ toll, arrivals }) => {
    near(toll.lost, 200);
    assert.equal(arrivals.length, SENT - toll.lost);
  }],
  ["2 % corruption changes one byte of about 2 %", { corruption: 0.02 }, ({ toll, same, arrivals }) => {
    near(toll.corrupted, 200);
    assert.deepEqual([same, arrivals.length], [SENT - toll.corrupted, SENT]);
  }],
  ["no more than three in a row go wrong", { loss: 0.5, corruption: 0.5, mostInARow: 3 }, ({ toll }) => {
    assert.deepEqual([toll.lost + toll.corrupted, toll.passed], [SENT * 3 / 4, SENT / 4]);
  }],
  ["25 % come 20 ms late", { reorder: 0.25, reorderMs: 20 }, ({ toll, arrivals }) => {
    near(toll.delayed, 2500);
    assert.equal(arrivals.filter(({ delayMs }) => delayMs === 20).length, toll.delayed);
  }],
  ["5 % come twice", { duplication: 0.05 }, ({ toll, arrivals }) => {
    near(toll.duplicated, 500);
    assert.equal(arrivals.length, SENT + toll.duplicated);
  }],
  ["all take 750 ms", { delayMs: 750 }, ({ arrivals }) => {
    assert.ok(arrivals.every(({ delayMs }) => delayMs === 750));
  }],
  ["for 2 s of 7 s nothing passes", { blackhole: { upMs: 5000, downMs: 2000 } }, ({ arrivals, toll }) => {
    assert.deepEqual([arrivals.length, toll.lost], [8000, 2000]); // 10 s: 5 up, 2 down, 3 up
  }],
  ["datagrams over the MTU are lost", { mtu: 1280 }, ({ arrivals }) => {
    assert.deepEqual(arrivals.map(({ datagram }) => datagram.length + 28).filter((bytes) => bytes > 1280), []);
    near(arrivals.length, 5000);
  }],
  ["blocked lets nothing through", { blocked: true }, ({ arrivals }) => assert.equal(arrivals.length, 0)],
];

for (const [promise, impairment, check] of rows) {
  Deno.test(`bad network: ${promise}`, () => check(fateUnder(impairment, 7)));
}

Deno.test("bad network: the same seed decides the same, another seed something else", () => {
  const lost = (seed: number) => JSON.stringify(fateUnder({ loss: 0.3, duplication: 0.1 }, seed).order);
  assert.equal(lost(1), lost(1));
  assert.notEqual(lost(1), lost(2));
});

interface Fate {
  arrivals: Arrival[];
  same: number;
  order: number[];
  toll: ReturnType<typeof createImpairment>["toll"];
}

/** 10,000 datagrams, one each millisecond, every second one larger than an MTU of 1,280. */
function fateUnder(impairment: Impairment, seed: number): Fate {
  const network = createImpairment(impairment, seeded(seed));
  const fate: Fate = { arrivals: [], same: 0, order: [], toll: network.toll };
  for (let n = 0; n < SENT; n++) {
    const datagram = new Uint8Array(n % 2 === 0 ? 1252 : 1253);
    for (const arrival of network.of(datagram, n)) {
      fate.arrivals.push(arrival);
      fate.order.push(n);
      if (arrival.datagram === datagram) fate.same++;
    }
  }
  return fate;
}

function near(count: number, expected: number): void {
  assert.ok(Math.abs(count - expected) < expected * 0.2, `${count} is not about ${expected}`);
}
