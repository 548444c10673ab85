/**
 * A checker that cannot fail proves nothing: the rows are run against relays that each tell one lie, and must complain.
 * @module
 */
import { accountKilled } from "../accounts/account_killed.ts";
import { passwordLogin } from "../accounts/password_login.ts";
import { replayedAccounts } from "../accounts/replayed_accounts.ts";
import { revokedDevice } from "../accounts/revoked_device.ts";
import { commitRace } from "../groups/commit_race.ts";
import { keyPackages } from "../groups/key_packages.ts";
import { manyProcesses } from "../groups/many_processes.ts";
import { poisonedCommit } from "../groups/poisoned_commit.ts";
import { restoredMember } from "../groups/restored_member.ts";
import { ioFault } from "../disk/io_fault.ts";
import { readerKilled } from "../lifecycle/reader_killed.ts";
import { relayKilledUnderLines, relayKilledUnderWire } from "../relay_killed.ts";
import { replay } from "../hostile/replay.ts";
import { sameNames } from "../hostile/same_names.ts";
import type { Finding, Row, Size } from "../row.ts";
import { syncBeforeAck } from "../sync_before_ack.ts";

/** One lie of a relay or a client, the row that guards against it, and what that row must say. */
interface Trial {
  readonly lie: string;
  /** Who tells it; absent = the relay. */
  readonly by?: "client";
  readonly row: Row;
  readonly rounds: number;
  /** A complaint of this form is the catch; any other would be a catch by accident. */
  readonly caughtBy: RegExp;
}

const trials: readonly Trial[] = [
  {
    lie: "ack-before-commit",
    row: syncBeforeAck,
    rounds: 20,
    caughtBy: /acknowledged (without a write|before its write)/,
  },
  { lie: "delete-on-fetch", row: readerKilled, rounds: 12, caughtBy: /^\d+ lost/ },
  { lie: "forget-dedup", row: replay, rounds: 100, caughtBy: /^\d+ doubled/ },
  { lie: "reuse-a-sequence", row: relayKilledUnderWire, rounds: 1, caughtBy: /^\d+ reused/ },
  {
    lie: "ignore-a-failed-sync",
    row: ioFault,
    rounds: 1,
    caughtBy: /^(sync|write) error at step .*(instead of 74|was taken as)/,
  },
  {
    lie: "two-commits-an-epoch",
    row: commitRace,
    rounds: 1,
    caughtBy: /views differ|was told: .*(healed|forked|refused_commit|unreadable)/,
  },
  { lie: "hand-out-twice", row: keyPackages, rounds: 1, caughtBy: /KeyPackages were handed out twice/ },
  { lie: "never-take-back", row: poisonedCommit, rounds: 1, caughtBy: /wedged the group/ },
  {
    lie: "forget-the-ratchet",
    by: "client",
    row: manyProcesses,
    rounds: 3,
    caughtBy: /^\d+ lost at|was told: .*unreadable/,
  },
  {
    lie: "trust-an-old-copy",
    by: "client",
    row: restoredMember,
    rounds: 1,
    caughtBy: /messages under keys of epoch/,
  },
  { lie: "keep-sessions", row: accountKilled, rounds: 2, caughtBy: /should be .* and is / },
  { lie: "late-codes", row: accountKilled, rounds: 4, caughtBy: /should be .* and is / },
  { lie: "codes-stay", row: accountKilled, rounds: 6, caughtBy: /recovery code that was replaced got ok/ },
  { lie: "reuse-a-login", row: replayedAccounts, rounds: 5, caughtBy: /taken twice on its own connection/ },
  { lie: "guess-freely", row: passwordLogin, rounds: 20, caughtBy: /guesses at an? (un)?known name were looked at/ },
  { lie: "slow-for-known", row: sameNames, rounds: 30, caughtBy: /^told apart/ },
  {
    lie: "keep-a-lost-leaf",
    by: "client",
    row: revokedDevice,
    rounds: 1,
    caughtBy: /opens with the keys of the revoked device/,
  },
  { lie: "drop-one-in-500", row: relayKilledUnderLines, rounds: 1, caughtBy: /^\d+ lost/ },
];

/** The rows that it borrows show by themselves that they pass with `qight relay`. */
export const sabotage: Row = {
  name: "sabotage",
  property:
    "each relay or client that lies is caught by the row that guards the property; a control without a lie is not blamed",
  rounds: { ci: 1, night: 1 },
  run: prove,
};

async function prove(size: Size): Promise<Finding> {
  const counts: Record<string, number | string> = { lies: trials.length, caught: 0 };
  const complaints: string[] = [];
  const tried = await inPairs(trials, async (trial) => {
    const findings: Finding[] = [];
    for (let n = 0; n < size.rounds; n++) findings.push(await withLie(trial, trial.lie, size.seed + n));
    return findings;
  });
  for (const [at, { lie, row, caughtBy }] of trials.entries()) {
    const missed = tried[at].filter((finding) => !finding.complaints.some((complaint) => caughtBy.test(complaint)));
    if (missed.length === 0) counts.caught = Number(counts.caught) + 1;
    counts[lie] = missed.length === 0 ? row.name : missed[0].skipped === undefined ? "MISSED" : "skipped";
    for (const { skipped, complaints: [first = "it passed"] } of missed) {
      if (skipped === undefined) complaints.push(`${lie} was not caught by ${row.name}: ${first}`);
    }
  }
  // The same script without a lie must not be blamed for it; a busy machine may still make it slow.
  const controls = size.rounds === 1 ? [trials[size.seed % trials.length]] : trials;
  for (const trial of controls) {
    const blame = (await withLie(trial, "none", size.seed)).complaints.find((each) => trial.caughtBy.test(each));
    if (blame !== undefined) complaints.push(`${trial.row.name} blames an honest relay: ${blame}`);
  }
  return { counts: { ...counts, honest: controls.map(({ row }) => row.name).join("+") }, complaints };
}

function withLie({ row, rounds, by }: Trial, lie: string, seed: number): Promise<Finding> {
  const entry = { path: `tests/prove/sabotage/${by ?? "relay"}.ts`, args: [lie] };
  return row.run({ seed, rounds, ...(by === "client" ? { clientEntry: entry } : { relayEntry: entry }) });
}

/** Two at a time: much of a trial is waiting. Answers in the order of the items. */
async function inPairs<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = [...items.entries()];
  const worker = async () => {
    for (let next; (next = left.shift());) results[next[0]] = await work(next[1]);
  };
  await Promise.all([worker(), worker()]);
  return results;
}
