/** A gap that may be messages which expired unread says so, for as many numbers as expired and no more. @module */
import assert from "node:assert/strict";
import { lookForGaps, noteExpired, noteNumbers } from "../../client/gap_watch.ts";
import type { ClientStore } from "../../client/storage/store.ts";
import { openStore } from "./person.ts";

const NOW = 1_000_000_000;
const [ada, carl, lineage, root, otherRoot] = [1, 2, 3, 4, 5].map((byte) => new Uint8Array(32).fill(byte));

type Range = [first: number, last: number];
interface Case {
  readonly what: string;
  readonly expired: readonly (readonly [relay: Uint8Array, range: Range])[];
  readonly received: readonly (readonly [sender: Uint8Array, numbers: readonly bigint[]])[];
  /** How many numbers of all gaps together may have expired. */
  readonly perhaps: number;
}

async function withStore(work: (store: ClientStore) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "qight-gaps-" });
  try {
    await using store = await openStore(`${folder}/store.db`);
    await work(store);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const cases: Case[] = [
  { what: "nothing expired", expired: [], received: [[ada, [1n, 4n]]], perhaps: 0 },
  { what: "as many as are missing", expired: [[root, [2, 3]]], received: [[ada, [1n, 4n]]], perhaps: 2 },
  { what: "fewer than are missing", expired: [[root, [7, 7]]], received: [[ada, [1n, 4n]]], perhaps: 1 },
  { what: "more than are missing", expired: [[root, [7, 9]]], received: [[ada, [1n, 4n]]], perhaps: 2 },
  {
    what: "a range that the relay repeats counts once",
    expired: [[root, [7, 7]], [root, [7, 7]]],
    received: [[ada, [1n, 4n]]],
    perhaps: 1,
  },
  {
    what: "a range that grew counts by what is new",
    expired: [[root, [7, 7]], [root, [7, 8]]],
    received: [[ada, [1n, 5n]]],
    perhaps: 2,
  },
  {
    what: "each relay has numbers of its own",
    expired: [[root, [7, 7]], [otherRoot, [7, 7]]],
    received: [[ada, [1n, 4n]]],
    perhaps: 2,
  },
  {
    what: "two senders share what expired: one number is not two losses",
    expired: [[root, [7, 8]]],
    received: [[ada, [1n, 4n]], [carl, [1n, 3n]]],
    perhaps: 2,
  },
];

for (const { what, expired, received, perhaps } of cases) {
  Deno.test(`expired and missing: ${what}`, () =>
    withStore(async (store) => {
      await store.write(({ meta, streams }) => {
        for (const [relay, [first, last]] of expired) noteExpired(meta, relay, { first, last });
        for (const [sender, numbers] of received) noteNumbers(streams, sender, lineage, numbers, NOW - 61_000);
      });
      const gaps = [...(await lookForGaps(store, NOW)).events];
      assert.equal(gaps.length, received.length);
      assert.equal(gaps.reduce((sum, { perhapsExpired = 0 }) => sum + perhapsExpired, 0), perhaps);
      for (const { first, last, perhapsExpired = 0 } of gaps) assert.ok(perhapsExpired <= last - first + 1);
    }));
}

Deno.test("numbers that a gap was told with are used up: the next gap is a loss without excuse", () =>
  withStore(async (store) => {
    await store.write(({ meta, streams }) => {
      noteExpired(meta, root, { first: 2, last: 2 });
      noteNumbers(streams, ada, lineage, [1n, 3n], NOW - 61_000);
    });
    const tell = async () => {
      const { events, told } = await lookForGaps(store, NOW);
      await told();
      return events.map(({ perhapsExpired }) => perhapsExpired);
    };
    assert.deepEqual(await tell(), [1]);
    await store.write(({ streams }) => noteNumbers(streams, ada, lineage, [5n], NOW - 61_000));
    assert.deepEqual(await tell(), [undefined]);
  }));
