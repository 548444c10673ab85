/**
 * Names, passwords, sessions and recovery codes come back from a backup that was taken while accounts changed; damage to
 * what is kept of them is seen at the start, or names what it struck.
 * @module
 */
import { integrityOfCopy } from "../integrity.ts";
import { until } from "../lifecycle/crowd.ts";
import { Folder, must, person, qight, run } from "../processes.ts";
import { seeded } from "../random.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { AccountJudge } from "./account_judge.ts";
import { accountRelay } from "./account_killed.ts";
import { AccountLife } from "./account_life.ts";
import { AccountsOnDisk, inWords } from "./account_state.ts";
import { damageAccounts } from "./damaged_accounts.ts";

/** Rounds are flipped bits; a backup to fifty of them. */
export const accountBackup: Row = {
  name: "account-backup",
  property:
    "accounts restored from a backup taken while others change are as they were, and go on; a flipped bit in what is kept " +
    "of them is seen at the start, or changes nothing but what its owner's keys, a signature or a clock check",
  rounds: { ci: 50, night: 2000 },
  run: prove,
};

const FLIPS_A_BACKUP = 50;
const MOST_BACKUPS = 10;
/** Changes that everybody has made before the first backup. */
const CHANGES = 6;
const PATIENCE_MS = 60_000;

async function prove(size: Size): Promise<Finding> {
  using folder = new Folder();
  const settings = { ...accountRelay };
  await using relay = new RelayProcess(folder.inside("post"), settings, size.relayEntry);
  await relay.start();
  const broken: string[] = [];
  const begin = (name: string, at: number) => AccountLife.begin(name, seeded(size.seed + at));
  const resting = await Promise.all(["ada", "bob"].map(begin));
  const busy = await Promise.all(["cleo", "dave"].map((name, at) => begin(name, at + 2)));
  await Promise.all([...resting, ...busy].map((life) => life.until(relay.address, CHANGES)));
  // These have to be somebody who can be asked afterwards.
  for (const life of resting) while (life.state.record === null) await life.until(relay.address, life.answered + 1);

  const operator = person(folder.inside("operator"), "");
  const passphraseFile = `${folder.inside("operator")}/passphrase`;
  Deno.writeTextFileSync(passphraseFile, "correct horse battery staple\n", { mode: 0o600 });
  const backups: string[] = [];
  const living = busy.map((life) => life.untilCut(relay.address));
  for (let n = 0; n < Math.min(MOST_BACKUPS, Math.ceil(size.rounds / FLIPS_A_BACKUP)); n++) {
    const answered = busy.map((life) => life.answered);
    if (!await until(() => busy.every((life, at) => life.answered > answered[at]), PATIENCE_MS)) {
      broken.push(`backup ${n}: nobody changed anything for ${PATIENCE_MS} ms`);
    }
    const path = `${folder.inside("backups")}/${n}`;
    const how = ["--passphrase-file", passphraseFile, "--data-dir", relay.dataDir];
    await must(qight("relay", "backup", path, ...how), { env: operator });
    backups.push(path);
  }
  await relay.kill();
  await Promise.all(living);

  let judged = 0, attacks = 0;
  for (const [n, path] of backups.entries()) {
    const home = folder.inside(`restored-${n}`);
    const restore = qight("relay", "restore", path, "--data-dir", `${home}/relay`, "--passphrase-file", passphraseFile);
    const { code, stderr } = await run(restore, { env: person(home, "") });
    if (code !== 0) {
      broken.push(`backup ${n} was not restored: ${stderr}`);
      continue;
    }
    await using restored = new RelayProcess(home, settings);
    await restored.start();
    const judge = new AccountJudge(restored.address);
    for (const life of resting) await judge.judge(life, `backup ${n}`);
    broken.push(...judge.complaints);
    judged += judge.admitted;
    attacks += judge.attacks;
    // The last one takes the place of the relay that was lost.
    if (n === backups.length - 1) {
      await Promise.all(resting.map((life) => life.until(restored.address, life.answered + CHANGES)));
    }
    await restored.kill();
    const database = `${restored.dataDir}/relay.db`;
    broken.push(...integrityOfCopy(database).map((word) => `backup ${n}: ${word}`));
    using disk = new AccountsOnDisk(database);
    for (const { state } of resting) {
      const found = disk.words(state);
      if (found !== await inWords(state)) broken.push(`backup ${n}: ${state.name} is ${found}`);
    }
    for (const { state } of busy) {
      const found = disk.words(state);
      if (found.startsWith("half")) broken.push(`backup ${n}: ${state.name} is ${found}`);
    }
  }
  const flips = damageAccounts(`${relay.dataDir}/relay.db`, size.rounds, seeded(size.seed));
  return {
    counts: { backups: backups.length, admitted: judged, attacks_refused: attacks, ...flips.counts },
    complaints: [
      ...broken,
      ...flips.complaints,
      ...[...resting, ...busy].flatMap(({ strange }) => strange),
    ],
  };
}
