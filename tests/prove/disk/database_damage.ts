/**
 * A damaged database is seen, named and left alone, and gives up what can still be read (docs/proof.md).
 * @module
 */
import { seeded } from "../random.ts";
import type { Finding, Row, Size } from "../row.ts";
import { DamageBench } from "./damage_bench.ts";
import { damagedRelay } from "./damaged_relay.ts";

/** Rounds are the places of flipped bits; a tenth as many cuts and salvages, a quarter as many places in the log and in accounts. */
export const databaseDamage: Row = {
  name: "database-damage",
  property:
    "a flipped bit, a cut file or a missing log is seen at the start, when it is read, or by a signature; nothing is " +
    "repaired or deleted; salvage brings over every message and everything of accounts that is whole, and no other",
  rounds: { ci: 100, night: 5000 },
  run: prove,
};

async function prove(size: Size): Promise<Finding> {
  const chance = seeded(size.seed);
  using bench = await DamageBench.fill(chance);
  const some = (share: number) => Math.max(3, Math.floor(size.rounds / share));
  for (let i = 0; i < size.rounds; i++) await bench.flip();
  for (let i = 0; i < some(10); i++) await bench.cut();
  for (let i = 0; i < some(4); i++) await bench.flipInAccounts();
  for (let i = 0; i < some(4); i++) await bench.flipInLog();
  await bench.missingLog();
  await bench.oldCopies();
  for (let i = 0; i < some(10); i++) await bench.salvage();
  const relay = await damagedRelay(chance);
  return { counts: { ...bench.counts, ...relay.counts }, complaints: [...bench.complaints, ...relay.complaints] };
}
