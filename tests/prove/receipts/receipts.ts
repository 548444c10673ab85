/**
 * R5: a relay cannot lie about acceptance. It is killed again and again while it signs receipts; afterwards every receipt
 * is good, and every message that was signed for is there.
 * @module
 */
import { RelayClient } from "../../../client/relay_client.ts";
import { parseEnvelope } from "../../../crypto/envelope.ts";
import { hex } from "../../../crypto/hex.ts";
import { openReceipt } from "../../../crypto/receipt.ts";
import { parseRelayAddress } from "../../../net/address.ts";
import { fromBinary } from "@bufbuild/protobuf";
import { ReceiptSchema } from "../../../proto/gen/qight/v1/receipt_pb.ts";
import { integrityOfCopy } from "../integrity.ts";
import { connectVia, join, type WireDevice, wireDevice } from "../lifecycle/wire_peer.ts";
import { Folder, person, qight, run as runCommand } from "../processes.ts";
import { seeded } from "../random.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { factsOf, judge, judgementComplaints, type LyingThere, type NotedReceipt } from "./receipt_judge.ts";
import { ReceiptSender } from "./receipt_sender.ts";

/** docs/proof.md: two senders, two mailboxes that nobody reads, kills at random times of 50 to 1,500 ms. */
export const receipts: Row = {
  name: "receipts",
  property: "each receipt of a relay that is killed again and again verifies, and the message it is about is there",
  rounds: { ci: 5, night: 40 },
  run: prove,
};

const SENDERS = 2;
/** Each sender has got so many answers before a kill, */
const ANSWERS = 300;
/** within this time. */
const ANSWERS_WITHIN_MS = 120_000;
/** Receipts that are asked for once more at the end, and must say the same. */
const ASKED_AGAIN = 300;

async function prove(size: Size): Promise<Finding> {
  const finding = await killedAgainAndAgain(size);
  if (size.relayEntry) return finding;
  // A judge that is always silent proves nothing: a relay that signs and then drops must be convicted by its receipts.
  const relayEntry = { path: "tests/prove/sabotage/relay.ts", args: ["drop-one-in-500"] };
  const convicted = (await killedAgainAndAgain({ ...size, rounds: 0, relayEntry })).complaints;
  const caught = convicted.filter((complaint) => /signed for and missing/.test(complaint));
  const missed = caught.length > 0 ? [] : ["a relay that drops what it signed for was not convicted by its receipts"];
  return {
    counts: { ...finding.counts, dropping_relay: caught.length > 0 ? "convicted" : "MISSED" },
    complaints: [...finding.complaints, ...missed],
  };
}

async function killedAgainAndAgain(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  const broken: string[] = [];
  using folder = new Folder();
  const notes = folder.inside("notes");
  await using relay = new RelayProcess(folder.inside("post"), {}, size.relayEntry);
  await relay.start();
  const readers = await Promise.all(Array.from({ length: SENDERS }, () => wireDevice()));
  for (const reader of readers) {
    await using client = await connectVia("quic", relay.address, reader);
    await join(client, reader);
  }
  await using opened = new AsyncDisposableStack();
  const senders: ReceiptSender[] = [];
  for (const [at, { signer }] of readers.entries()) {
    senders.push(opened.use(await ReceiptSender.start(relay.address, signer.publicKey, `${notes}/${at}`)));
  }
  for (let round = 0; round < size.rounds; round++) {
    if (!await progress(senders)) {
      broken.push(`round ${round}: a sender got too few answers in ${ANSWERS_WITHIN_MS} ms`);
    }
    await after(50 + random() * 1450);
    await relay.kill();
    for (const word of integrityOfCopy(`${relay.dataDir}/relay.db`)) broken.push(`round ${round}: ${word}`);
    await relay.start(); // how soon it is ready again is the business of relay-killed
  }
  await progress(senders);
  await Promise.all(senders.map((sender) => sender.finish()));
  for (const { strange } of senders) broken.push(...strange.slice(0, 3));

  const root = parseRelayAddress(relay.address).root!;
  const late = await askedAfterwards(relay.address, senders, broken);
  const noted = notedIn(notes);
  const { again, changed } = await askedAgain(relay.address, root, senders, noted);
  broken.push(...changed.slice(0, 3));
  const there = (await Promise.all(readers.map((reader) => mailboxOf(relay.address, reader)))).flat();
  const exit = await relay.stop();
  if (exit !== 0) broken.push(`the relay ended with ${exit} after SIGTERM`);
  broken.push(...judgementComplaints(await judge(root, noted, there)));
  broken.push(...await byCommand(folder.inside("notary"), relay.address, noted));
  const trees = new Set(noted.map(({ receipt }) => receiptOf(receipt).signature.toHex())).size;
  const accepted = senders.reduce((sum, sender) => sum + sender.accepted, 0);
  if (noted.length !== accepted) broken.push(`${accepted} messages were accepted and ${noted.length} have a receipt`);
  return {
    counts: {
      kills: size.rounds,
      accepted,
      receipts: noted.length,
      signatures: trees,
      late,
      again,
      stored: there.length,
    },
    complaints: broken,
  };
}

/** What a killed relay accepted without having time to sign, it signs when it is asked. */
async function askedAfterwards(address: string, senders: ReceiptSender[], broken: string[]): Promise<number> {
  let late = 0;
  for (const sender of senders) {
    await using client = await RelayClient.connect(address, { signer: sender.signer });
    for (const subject of sender.unreceipted) {
      const { bytes, error } = await client.getReceipt(subject);
      if (bytes) sender.noted(subject, bytes);
      else broken.push(`${hex(subject.id)} was accepted and has no receipt: ${error?.message ?? "not known"}`);
      late++;
    }
  }
  return late;
}

/** A receipt made again, after all the kills, says exactly what the first one said. */
async function askedAgain(
  address: string,
  root: Uint8Array,
  senders: ReceiptSender[],
  noted: NotedReceipt[],
): Promise<{ again: number; changed: string[] }> {
  const changed: string[] = [];
  const clients = await Promise.all(senders.map(({ signer }) => RelayClient.connect(address, { signer })));
  const step = Math.max(1, Math.floor(noted.length / ASKED_AGAIN));
  let again = 0;
  for (let at = 0; at < noted.length; at += step, again++) {
    const { mailbox, id } = await openReceipt(Uint8Array.fromBase64(noted[at].receipt), root);
    const answers = await Promise.all(clients.map((client) => client.getReceipt({ mailbox, id })));
    const leaves = answers.flatMap(({ bytes }) => bytes ? [receiptOf(bytes.toBase64()).leaf.toHex()] : []);
    const before = receiptOf(noted[at].receipt).leaf.toHex();
    if (leaves.length !== 1) changed.push(`${hex(id)}: ${leaves.length} of its devices got its receipt again`);
    else if (leaves[0] !== before) changed.push(`${hex(id)}: the receipt made again says something else`);
  }
  for (const client of clients) await client[Symbol.asyncDispose]();
  return { again, changed };
}

async function mailboxOf(address: string, reader: WireDevice): Promise<LyingThere[]> {
  await using client = await connectVia("quic", address, reader);
  const there: LyingThere[] = [];
  for await (const event of client.fetch({ peek: true })) {
    if (event.type !== "delivered") continue;
    const { recipient, id, bodyHash } = parseEnvelope(event.envelope);
    there.push(factsOf({ mailbox: recipient, seq: event.seq, id, bodyHash, receivedAtMs: event.receivedAtMs }));
  }
  return there;
}

/** A stranger with nothing but address and receipt, when the relay is gone; the last receipt, and the same one altered. */
async function byCommand(home: string, address: string, noted: NotedReceipt[]): Promise<string[]> {
  const { id, receipt } = noted[noted.length - 1];
  const altered = Uint8Array.fromBase64(receipt);
  altered[altered.length - 1] ^= 1;
  const verify = (text: string) =>
    runCommand(qight("key", "verify-receipt", text, "--json"), { env: person(home, address) });
  const [good, bad] = [await verify(receipt), await verify(altered.toBase64())];
  const broken: string[] = [];
  if (good.code !== 0 || JSON.parse(good.stdout).id !== id) broken.push(`key verify-receipt: ${good.stderr}`);
  if (bad.code !== 65) broken.push(`key verify-receipt ended with ${bad.code} for an altered receipt`);
  return broken;
}

function notedIn(folder: string): NotedReceipt[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name }) =>
    Deno.readTextFileSync(`${folder}/${name}`).split("\n").filter(Boolean).map((line) => JSON.parse(line))
  );
}

function receiptOf(base64: string) {
  return fromBinary(ReceiptSchema, Uint8Array.fromBase64(base64));
}

/** Waits until every sender is at work again: a kill before that would strike a relay at rest. */
async function progress(senders: readonly ReceiptSender[]): Promise<boolean> {
  const before = senders.map(({ accepted }) => accepted);
  const deadline = performance.now() + ANSWERS_WITHIN_MS;
  while (senders.some(({ accepted }, at) => accepted < before[at] + ANSWERS)) {
    if (performance.now() > deadline) return false;
    await after(10);
  }
  return true;
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
