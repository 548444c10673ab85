/**
 * Backups are taken while mail comes and goes, and become relays again on clean folders.
 * @module
 */
import { parseRootKey } from "../../../relay/data_folder/root_key.ts";
import { checkLedgers, complaints } from "../checker.ts";
import { integrityOfCopy } from "../integrity.ts";
import { type Entry, readLedgers } from "../ledger.ts";
import { must, person, qight, run } from "../processes.ts";
import { seeded } from "../random.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { damagedCopies, holds } from "./backup_file_attacks.ts";
import { after, countsOf, Crowd, type Member, underLoad, until } from "./crowd.ts";

/** Sealed and plain in turn. */
export const backupUnderLoad: Row = {
  name: "backup-under-load",
  property:
    "a backup taken under load holds all that was acknowledged before; restored it serves; damaged it is refused",
  rounds: { ci: 2, night: 20 },
  run: prove,
};

interface Backup {
  readonly name: string;
  readonly path: string;
  readonly sealed: boolean;
  /** When the command began, on the ledger's clock. */
  readonly begunAt: number;
}

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  await using crowd = await Crowd.start();
  const { relay } = crowd;
  // One mailbox only fills, one is read and emptied all the time: a copy must not tear either.
  const keeper = await crowd.member("keeper");
  const reader = await crowd.member("reader");
  const writers = [await crowd.member("writer-1"), await crowd.member("writer-2"), await crowd.member("writer-3")];
  const follower = crowd.follow(reader);
  const load = { window: 64, perSecond: 150 };
  const lines = writers.map((writer, index) => crowd.lines(writer, index < 2 ? keeper.id : reader.id, load));
  const broken: string[] = [];

  const operator = person(crowd.inside("post"), "");
  const passphraseFile = `${crowd.inside("post")}/passphrase`;
  Deno.writeTextFileSync(passphraseFile, "correct horse battery staple\n", { mode: 0o600 });
  const backups: Backup[] = [];
  for (let round = 0; round < size.rounds; round++) {
    if (!await underLoad(lines)) broken.push(`backup ${round}: a sender got no ack`);
    await after(random() * 300);
    const sealed = round % 2 === 0;
    const path = `${crowd.inside("backups")}/${round}`;
    const begunAt = performance.timeOrigin + performance.now();
    const how = sealed ? ["--passphrase-file", passphraseFile] : ["--plain"];
    await must(qight("relay", "backup", path, "--data-dir", relay.dataDir, ...how), { env: operator });
    backups.push({ name: `backup ${round} (${sealed ? "sealed" : "plain"})`, path, sealed, begunAt });
  }
  broken.push(...(await Promise.all(lines.map((sender) => sender.finish(60_000)))).flat());
  await until(() => follower.shown >= lines[2].acknowledged, 45_000);
  broken.push(...await follower.finish());

  let restored = 0, refused = 0;
  const seed = parseRootKey(Deno.readTextFileSync(`${relay.dataDir}/root.key`), "root.key");
  for (const backup of backups) {
    const { mode } = Deno.statSync(backup.path);
    if ((mode! & 0o777) !== 0o600) broken.push(`${backup.name} has mode ${(mode! & 0o777).toString(8)}`);
    const whole = Deno.readFileSync(backup.path);
    if (backup.sealed) {
      for (const [what, secret] of secretsOf(seed)) {
        if (holds(whole, secret)) broken.push(`${backup.name} holds ${what}`);
      }
    } else if (!holds(whole, seed)) broken.push(`${backup.name} does not hold the root key, where it must be found`);
    for (const { name, bytes } of damagedCopies(whole, random, size.rounds > 2 ? 8 : 2)) {
      const said = await restore(crowd, { bytes, passphraseFile });
      if (said.code === 65 && !said.made) refused++;
      else {broken.push(
          `${backup.name} with ${name}: exit ${said.code}, ${said.made ? "a folder was made" : said.stderr}`,
        );}
    }
    const home = crowd.inside(`restored-${restored}`);
    const back = await restore(crowd, { bytes: whole, passphraseFile, home });
    if (back.code !== 0) broken.push(`${backup.name} was not restored: ${back.stderr}`);
    else broken.push(...await serves(crowd, backup, home, { keeper, writer: writers[0] }));
    restored++;
  }
  for (const line of (await must(qight("fetch", "--json"), { env: keeper.env })).split("\n")) note(keeper, line);
  const verdict = crowd.verdict();
  return {
    counts: { backups: backups.length, restored, damaged_refused: refused, ...countsOf(verdict) },
    complaints: [...broken, ...complaints(verdict)],
  };
}

/** Restores these bytes on a clean folder, as the operator of another machine. */
async function restore(
  crowd: Crowd,
  { bytes, passphraseFile, home = `${crowd.inside("refused")}` }: {
    bytes: Uint8Array;
    passphraseFile: string;
    home?: string;
  },
): Promise<{ code: number; stderr: string; made: boolean }> {
  const path = `${crowd.inside("post")}/arrived`;
  Deno.writeFileSync(path, bytes);
  const dataDir = `${home}/relay`;
  const args = qight("relay", "restore", path, "--data-dir", dataDir, "--passphrase-file", passphraseFile);
  const { code, stderr } = await run(args, { env: person(home, "") });
  return { code, stderr, made: [...Deno.readDirSync(home)].some(({ name }) => name === "relay") };
}

/** Starts a restored relay: all that was acknowledged before the backup is there, and new mail goes through. */
async function serves(
  crowd: Crowd,
  backup: Backup,
  home: string,
  { keeper, writer }: { keeper: Member; writer: Member },
): Promise<string[]> {
  const broken: string[] = [];
  await using relay = new RelayProcess(home);
  await relay.start();
  const text = `after ${backup.name}`;
  await must(qight("send", "--sealed", keeper.id, text), { env: { ...writer.env, QIGHT_RELAY: relay.address } });
  const env = { ...keeper.env, QIGHT_RELAY: relay.address };
  const shown: Entry[] = [];
  for (const line of (await must(qight("fetch", "--peek", "--json"), { env })).split("\n")) {
    if (line === "") continue;
    const { type, text, id, seq } = JSON.parse(line);
    if (type === "message") shown.push({ kind: "shown", text, id, seq, reader: "restored" });
  }
  if (shown.pop()?.text !== text) broken.push(`${backup.name}: mail sent after the restore did not come last`);
  const known = readLedgers(crowd.inside("ledgers"));
  const before = known.filter(({ kind, sender, at }) =>
    kind === "intent" || (kind === "ack" && sender !== "writer-3" && at! < backup.begunAt)
  );
  const acks = before.filter(({ kind }) => kind === "ack").length;
  if (acks === 0) broken.push(`${backup.name}: nothing was acknowledged before it`);
  broken.push(...complaints(checkLedgers([...before, ...shown])).map((clause) => `${backup.name}: ${clause}`));
  const exit = await relay.stop();
  if (exit !== 0) broken.push(`${backup.name}: the restored relay ended with ${exit}`);
  broken.push(...integrityOfCopy(`${relay.dataDir}/relay.db`).map((word) => `${backup.name}: ${word}`));
  return broken;
}

function note({ name, ledger }: Member, line: string): void {
  if (line === "") return;
  const { type, text, id, seq } = JSON.parse(line);
  if (type === "message") ledger.add({ kind: "shown", text, id, seq, reader: name });
}

/** Forms in which a relay's root key could stand in a file. */
function secretsOf(seed: Uint8Array): [string, Uint8Array][] {
  const text = (word: string) => new TextEncoder().encode(word);
  return [
    ["the root key", seed],
    ["the root key in base64", text(seed.toBase64({ alphabet: "base64url", omitPadding: true }))],
    ["the root key in hex", text(seed.toHex())],
    ["an open database", text("SQLite format 3")],
  ];
}
