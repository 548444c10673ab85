/**
 * Power loss: of everything the relay wrote, only what was synced is sure to be there, and that is enough (docs/proof.md).
 * @module
 */
import { dirname } from "node:path";
import { RelayClient } from "../../../client/relay_client.ts";
import { parseRootKey } from "../../../relay/data_folder/root_key.ts";
import { type Person, person } from "../../helpers/people.ts";
import { Folder } from "../processes.ts";
import { seeded } from "../random.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { missingStrace } from "../strace.ts";
import { afterCut } from "./after_cut.ts";
import { DiskImage } from "./disk_image.ts";
import { diskTraceArguments, readDiskTrace } from "./disk_trace.ts";
import { Letters, nowUs } from "./load.ts";
import { memoryFolder } from "./memory_folder.ts";

/** Envelopes sent at least: three checkpoints of the log, which come every 8 MiB. */
const loadBytes = 7 * 1024 * 1024;
const senders = 4, inFlight = 4;

/** Cuts at moments of a real load, from the relay's first call on a file to its last. */
export const powerLoss: Row = {
  name: "power-loss",
  property:
    "after a power cut that keeps only what was synced, and tears or drops the rest, every acknowledged message " +
    "is there byte for byte, none is half there, no number is given twice",
  rounds: { ci: 200, night: 2000 },
  run: prove,
};

async function prove(size: Size): Promise<Finding> {
  const absent = await missingStrace();
  if (absent !== null) return { counts: {}, complaints: [], skipped: absent };
  using folder = new Folder();
  const chance = seeded(size.seed);
  await using relay = new RelayProcess(folder.inside("post"), {}, size.relayEntry);
  const trace = `${folder.path}/trace`;
  await relay.start(["strace", "-D", "-f", "--seccomp-bpf", ...diskTraceArguments(trace)]);
  const startedUs = nowUs();
  const letters = await load(relay.address, chance);
  const exit = await relay.stop();

  const calls = readDiskTrace(
    await wholeTrace(trace),
    (path) =>
      (path === relay.dataDir || path.startsWith(`${relay.dataDir}/`) || path === dirname(relay.dataDir)) &&
      !/-reserve$|-shm$|\.sock$/.test(path),
  );
  const image = new DiskImage(calls);
  using memory = memoryFolder();
  const scratch = memory.path;
  const complaints: string[] = exit === 0 ? [] : [`the relay ended with ${exit} after SIGTERM`];
  let unsynced = 0, torn = 0, present = 0;
  const moments = cutMoments(calls, letters, size.rounds, chance);
  for (const { atUs, what } of moments) {
    image.playUntil(atUs);
    const pending = image.unsyncedBytes;
    const keep = [0, 0.3, 0.7, 0.95][Math.floor(chance() * 4)];
    const files = image.cut(chance, keep);
    if (pending > 0) unsynced++;
    if (pending > 0 && keep > 0) torn++;
    await place(files, relay.dataDir, scratch);
    const found = await afterCut(`${scratch}/relay.db`, letters.all, atUs);
    present += found.present;
    const where = `cut ${what} (${pending} bytes unsynced, ${keep} of them kept)`;
    complaints.push(...found.complaints.map((complaint) => `${where}: ${complaint}`));
    if (atUs >= startedUs && !holdsRootKey(scratch)) complaints.push(`${where}: the relay's root key is gone`);
  }
  if (unsynced === 0 || torn === 0 || present === 0) {
    complaints.push(
      `of ${moments.length} cuts ${unsynced} met unsynced bytes, ${torn} tore them; ${present} rows were there`,
    );
  }
  return {
    counts: {
      cuts: moments.length,
      with_unsynced: unsynced,
      torn,
      messages: letters.all.length,
      acknowledged: letters.all.filter((letter) => letter.seq > 0).length,
      syncs: calls.filter(({ call }) => call === "sync").length,
      checkpoints: calls.filter(({ call, path }) => call === "sync" && path.endsWith("/relay.db")).length,
      rows_found: present,
    },
    complaints,
  };
}

/** Four senders, two mailboxes: one is read and acknowledged while it is filled, one is not. */
async function load(address: string, chance: () => number): Promise<Letters> {
  const letters = new Letters();
  const now = Date.now();
  const [reader, sleeper] = await Promise.all([person(1, now), person(2, now)]);
  await using reading = await RelayClient.connect(address, { signer: reader.device });
  await reading.publishBundle(reader.bundle.bytes, 0);
  await using other = await RelayClient.connect(address, { signer: sleeper.device });
  await other.publishBundle(sleeper.bundle.bytes, 0);
  let left = loadBytes, over = false;
  const sending = Array.from({ length: senders }, async (_, i) => {
    const from = await person(10 + i, now);
    await using client = await RelayClient.connect(address, { signer: from.device });
    await Promise.all(Array.from({ length: inFlight }, async () => {
      while (left > 0) {
        // Mostly small, sometimes large: rows within a page, and rows over many.
        const bytes = Math.floor(chance() < 0.5 ? 50 + chance() * 3000 : chance() * 60_000) + 1;
        left -= bytes;
        const payload = new Uint8Array(bytes).map(() => chance() * 256);
        const letter = await letters.send(client, from, chance() < 0.7 ? reader : sleeper, payload);
        if (letter.refused) throw new Error(`a send was refused: ${letter.refused}`);
      }
    }));
  });
  const acknowledging = acknowledge(reading, letters, reader, () => over);
  await Promise.all(sending);
  over = true;
  await acknowledging;
  return letters;
}

async function acknowledge(client: RelayClient, letters: Letters, reader: Person, over: () => boolean): Promise<void> {
  let lease: Uint8Array | null = null, last = 0;
  while (!over()) {
    for await (const event of client.fetch({ max: 20, afterSeq: last, waitMs: 200 })) {
      if (event.type === "lease") lease = event.lease;
      if (event.type === "delivered") last = event.seq;
    }
    if (lease && last > 0) await letters.acknowledge(client, lease, reader, last);
  }
}

/** strace writes its last line after the relay has gone; the trace is whole when the first thread's end is in it. */
async function wholeTrace(path: string): Promise<Uint8Array> {
  for (const deadline = performance.now() + 10_000; performance.now() < deadline;) {
    const bytes = Deno.readFileSync(path);
    const first = /^\d+/.exec(new TextDecoder().decode(bytes.subarray(0, 20)))![0];
    const tail = new TextDecoder().decode(bytes.subarray(-4096));
    if (new RegExp(`^${first} .*\\+\\+\\+ (exited|killed)`, "m").test(tail)) return bytes;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("strace did not finish its trace");
}

/** A third at any call, a third just after an answer, a third while the log goes into the database or names change. */
function cutMoments(calls: ReturnType<typeof readDiskTrace>, letters: Letters, count: number, chance: () => number) {
  const any = calls.flatMap(({ startUs, endUs }) => [startUs + 1, endUs + 1]);
  const answers = letters.all.flatMap(({ acceptedUs, ackedUs }) => [acceptedUs + 1, ackedUs + 1]).filter(isFinite);
  const rare = calls.filter(({ call, path }) => !["write", "sync"].includes(call) || !path.endsWith("-wal"))
    .flatMap(({ startUs, endUs }) => [startUs + 1, endUs + 1]);
  const kinds: [string, number[]][] = [["at any call", any], ["after an answer", answers], ["in a checkpoint", rare]];
  return Array.from({ length: count }, (_, i) => {
    const [what, moments] = kinds[i % kinds.length];
    return { what, atUs: moments[Math.floor(chance() * moments.length)] };
  }).sort((a, b) => a.atUs - b.atUs);
}

async function place(files: ReadonlyMap<string, Uint8Array>, from: string, to: string): Promise<void> {
  for (const { name } of [...Deno.readDirSync(to)]) await Deno.remove(`${to}/${name}`);
  for (const [path, bytes] of files) {
    if (dirname(path) === from) await Deno.writeFile(path.replace(from, to), bytes, { mode: 0o600 });
  }
}

function holdsRootKey(folder: string): boolean {
  try {
    return parseRootKey(Deno.readTextFileSync(`${folder}/root.key`), "root.key").length === 32;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
