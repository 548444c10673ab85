/**
 * The relay is killed while accounts register, sign in, link, revoke, change passwords, recover and end: what was answered
 * holds, what was not is there as a whole or not at all, and who was put out stays out.
 * @module
 */
import { integrityOfCopy } from "../integrity.ts";
import { after, until } from "../lifecycle/crowd.ts";
import { Folder } from "../processes.ts";
import { seeded } from "../random.ts";
import { READY_MS, RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { AccountJudge } from "./account_judge.ts";
import { AccountLife, type Change } from "./account_life.ts";
import { AccountsOnDisk, inWords } from "./account_state.ts";

/** Rounds are kills. */
export const accountKilled: Row = {
  name: "account-killed",
  property:
    "kill -9 of the relay while accounts change: answered changes hold, others are made as a whole or not at all, " +
    "and no revoked device, ended session, former password or used code gets in",
  rounds: { ci: 6, night: 100 },
  run: prove,
};

const PEOPLE = ["ada", "bob", "cleo", "dave"];
/** Within this each person must have made a change after a kill. */
const BUSY_WITHIN_MS = 30_000;

/** Settings of a relay with names, without the limits that hold for strangers at one address. */
export const accountRelay = {
  QIGHT_CFG__AUTH__MODE: "account",
  QIGHT_CFG__LIMITS__LOGINS_PER_IP_PER_HOUR: "0",
} as const;

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  using folder = new Folder();
  await using relay = new RelayProcess(folder.inside("post"), accountRelay, size.relayEntry);
  let slowest = await relay.start();
  const judge = new AccountJudge(relay.address);
  const lives = await Promise.all(
    PEOPLE.map((name, at) => AccountLife.begin(name, seeded(size.seed + at + 1))),
  );
  const broken: string[] = [];
  const cutIn = new Map<Change, number>();
  let made = 0, undone = 0;
  for (let round = 0; round < size.rounds; round++) {
    const before = lives.map((life) => life.answered);
    let over = false;
    const living = lives.map((life) => life.untilCut(relay.address));
    Promise.race(living).then(() => over = true);
    const busy = () => over || lives.every((life, at) => life.answered > before[at]);
    if (!await until(busy, BUSY_WITHIN_MS)) {
      broken.push(`kill ${round}: somebody made no change for ${BUSY_WITHIN_MS} ms`);
    }
    if (lives.every((life, at) => life.answered === before[at])) broken.push(`kill ${round}: the relay was at rest`);
    await after(random() * 800);
    await relay.kill();
    for (const change of await Promise.all(living)) cutIn.set(change, (cutIn.get(change) ?? 0) + 1);
    for (const word of integrityOfCopy(`${relay.dataDir}/relay.db`)) broken.push(`kill ${round}: ${word}`);

    using disk = new AccountsOnDisk(`${relay.dataDir}/relay.db`);
    for (const life of lives) {
      const { name } = life.state;
      const found = disk.words(life.state);
      const unknown = life.maybe !== null;
      const wasMade = life.maybe !== null && found === await inWords(life.maybe);
      if (!wasMade && found !== await inWords(life.state)) {
        const maybe = life.maybe ? `, or ${await inWords(life.maybe)}` : "";
        broken.push(`kill ${round}: ${name} should be ${await inWords(life.state)}${maybe}, and is ${found}`);
      }
      if (unknown) wasMade ? made++ : undone++;
      life.settle(wasMade);
      for (const past of life.past) {
        const then = disk.words(past);
        if (then !== await inWords(past)) broken.push(`kill ${round}: ${past.name} had ended, and is ${then}`);
      }
      await life.goOn();
    }
    if (broken.length > 0) break;

    const ready = await relay.start();
    slowest = Math.max(slowest, ready);
    if (ready >= READY_MS) broken.push(`kill ${round}: ready after ${Math.round(ready)} ms`);
    await Promise.all(lives.map((life) => judge.judge(life, `kill ${round}`)));
  }
  if (broken.length === 0 && await relay.stop() !== 0) broken.push("the relay did not end with 0 after SIGTERM");
  const changes = new Map<string, number>();
  for (const { counts } of lives) {
    for (const [change, count] of counts) changes.set(change, (changes.get(change) ?? 0) + count);
  }
  return {
    counts: {
      kills: size.rounds,
      ...Object.fromEntries(changes),
      cut_made: made,
      cut_undone: undone,
      cut_in: [...cutIn].map(([change, count]) => `${change}:${count}`).join(","),
      admitted: judge.admitted,
      attacks_refused: judge.attacks,
      slowest_ready_ms: Math.round(slowest),
    },
    complaints: [...broken, ...judge.complaints, ...lives.flatMap((life) => life.strange)],
  };
}
