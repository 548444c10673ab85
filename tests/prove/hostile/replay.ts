/**
 * Whoever has captured envelopes and logins plays them back, at once, after the relay was killed, and after the messages
 * were taken, by a relay whose clock is wrong, and at another relay: none counts twice. A sender restored from an old copy of its folder shows nothing twice either.
 * @module
 */
import type { RelayClient } from "../../../client/relay_client.ts";
import { CONTENT_PLAIN, parseEnvelope, signEnvelope } from "../../../crypto/envelope.ts";
import { parseRelayAddress } from "../../../net/address.ts";
import { checkLedgers, complaints, tally } from "../checker.ts";
import { Ledger, readLedgers } from "../ledger.ts";
import { connectVia, join, type WireDevice, wireDevice } from "../lifecycle/wire_peer.ts";
import { FakeClock, missingFaketime } from "../lifecycle/faketime.ts";
import { Folder } from "../processes.ts";
import { seeded } from "../random.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { type CapturedLogin, captureLogin, replayLogins } from "./captured_logins.ts";
import { replayElsewhere } from "./other_relay.ts";
import { changedReceipts, collectReceipts, replayReceipts } from "./replayed_receipts.ts";
import { restoredSender } from "./restored_sender.ts";

/** PROMISES of security.md: at least once on the wire, stored once; a session proof is good once. */
export const replay: Row = {
  name: "replay",
  property:
    "captured envelopes, logins and receipts played back, also after kill -9, after they were taken, under a wrong clock " +
    "and at another relay, count once",
  rounds: { ci: 1000, night: 10_000 },
  run: prove,
};

/** A login costs a connection and a receipt a signature, so there are fewer of them. */
const ENVELOPES_PER_LOGIN = 5;

const FAKED_FROM = 5_000;
const HOUR = 3_600_000;
const LEAPS: readonly (readonly [string, number])[] = [["an hour ahead", HOUR], ["an hour back", -HOUR]];

/** An envelope on its way to the relay, as captured, and what the relay said the first time. */
interface Captured {
  readonly bytes: Uint8Array;
  readonly seq: number;
}

async function prove(size: Size): Promise<Finding> {
  using folder = new Folder();
  // A faked clock costs a library under every process, so it is for the long run.
  const faked = size.rounds >= FAKED_FROM && await missingFaketime() === null;
  const clock = faked ? new FakeClock(`${folder.path}/clock`) : null;
  await using relay = new RelayProcess(folder.inside("post"), clock?.env ?? {}, size.relayEntry);
  await relay.start();
  const ledgers = folder.inside("ledgers");
  const broken: string[] = [];
  const [alice, bob, eve] = await Promise.all([wireDevice(), wireDevice(), wireDevice()]);
  for (const device of [alice, bob, eve]) {
    await using client = await connectVia("quic", relay.address, device);
    await join(client, device);
  }
  const captured = shuffled(await sendAll(relay.address, alice, bob, size.rounds, `${ledgers}/alice`), size.seed);
  const logins: CapturedLogin[] = [];
  for (let n = 0; n < size.rounds / ENVELOPES_PER_LOGIN; n++) {
    logins.push(await captureLogin(relay.address, alice.signer));
  }

  const { root } = parseRelayAddress(relay.address);
  const witnessed = captured.slice(0, size.rounds / ENVELOPES_PER_LOGIN);
  const receipts = await collectReceipts(relay.address, alice, witnessed);
  if (receipts.length !== witnessed.length) broken.push(`${receipts.length} receipts for ${witnessed.length} messages`);

  using shown = new Ledger(`${ledgers}/bob`);
  const half = Math.floor(size.rounds / 2);
  await take(relay.address, bob, half, shown);
  const attacks: [string, () => Promise<unknown>][] = [
    ["at once", () => Promise.resolve()],
    ["after kill -9", () => relay.kill().then(() => relay.start())],
    ["after all were taken", () => take(relay.address, bob, Infinity, shown)],
  ];
  for (const [when, ms] of clock ? LEAPS : []) {
    attacks.push([`with the relay's clock ${when}`, () => Promise.resolve(clock!.set(ms))]);
  }
  const replayed = { envelopes: 0, logins: 0, receipts: 0, accepted: 0 };
  for (const [when, before] of attacks) {
    await before();
    const held = await relay.holds();
    for (const [who, device] of [["the sender", alice], ["another device", eve]] as const) {
      const wrong = await replayEnvelopes(relay.address, device, captured, device === alice);
      replayed.envelopes += captured.length;
      replayed.accepted += wrong.length;
      if (wrong.length > 0) broken.push(`${when}, from ${who}: ${wrong.length} accepted again: ${wrong.slice(0, 2)}`);
    }
    for (const [code, count] of await replayLogins(relay.address, logins)) {
      replayed.logins += count;
      if (code === "accepted") replayed.accepted += count;
      if (code !== "bad_proof") broken.push(`${when}: ${count} replayed logins ended with ${code}`);
    }
    const believed = await replayReceipts(root!, receipts);
    replayed.receipts += receipts.length;
    replayed.accepted += believed;
    if (believed > 0) broken.push(`${when}: ${believed} receipts were believed for another message`);
    const again = await collectReceipts(relay.address, alice, witnessed);
    for (const change of await changedReceipts(root!, receipts, again)) broken.push(`${when}: ${change}`);
    const holds = await relay.holds();
    if (holds !== held) broken.push(`${when}: the relay held ${held} messages before the replay and ${holds} after it`);
  }
  clock?.set(0);
  await take(relay.address, bob, Infinity, shown);
  const elsewhere = await replayElsewhere(folder.inside("elsewhere"), relay.address, Math.ceil(size.rounds / 50));
  const restored = await restoredSender(folder.inside("restored"), relay.address);
  const verdict = checkLedgers(readLedgers(ledgers));
  return {
    counts: {
      captured: captured.length,
      envelopes_replayed: replayed.envelopes,
      logins_replayed: replayed.logins,
      receipts_replayed: replayed.receipts,
      accepted_again: replayed.accepted,
      leaps_of_the_clock: clock ? LEAPS.length : 0,
      taken_elsewhere: elsewhere.taken,
      restored_copies: restored.copies,
      shown: verdict.shown,
      ...tally(verdict),
    },
    complaints: [...broken, ...elsewhere.complaints, ...restored.complaints, ...complaints(verdict)],
  };
}

async function sendAll(address: string, from: WireDevice, to: WireDevice, count: number, ledgerPath: string) {
  using ledger = new Ledger(ledgerPath);
  await using client = await connectVia("quic", address, from);
  const envelopes: { text: string; bytes: Uint8Array }[] = [];
  for (let n = 0; n < count; n++) {
    const text = `captured-${n}-${crypto.randomUUID()}`;
    ledger.add({ kind: "intent", text, sender: "alice", n });
    const bytes = await signEnvelope(from.signer, {
      id: crypto.getRandomValues(new Uint8Array(16)),
      sender: from.signer.publicKey,
      recipient: to.signer.publicKey,
      createdAtMs: Date.now(),
      ttlS: 0,
      contentType: CONTENT_PLAIN,
      payload: new TextEncoder().encode(text),
    });
    envelopes.push({ text, bytes });
  }
  const captured: Captured[] = [];
  for await (const outcome of client.sendMany(envelopes.map(({ bytes }) => bytes))) {
    const n = captured.length;
    if (outcome.kind === "failed") throw outcome.error;
    const { seq } = outcome.receipt;
    captured.push({ bytes: envelopes[n].bytes, seq });
    ledger.add({ kind: "ack", text: envelopes[n].text, sender: "alice", n, seq, reader: "bob" });
  }
  return captured;
}

/** Says what was not answered as a repeat must be: the sender hears its first answer again, another device is refused. */
async function replayEnvelopes(
  address: string,
  device: WireDevice,
  captured: readonly Captured[],
  isSender: boolean,
): Promise<string[]> {
  await using client = await connectVia("quic", address, device);
  const wrong: string[] = [];
  let n = 0;
  for await (const outcome of client.sendMany(captured.map(({ bytes }) => bytes))) {
    const { seq } = captured[n++];
    if (outcome.kind === "failed") {
      // By a clock that is an hour back, what was made just now is from the future.
      if (outcome.error.code === "from_the_future") continue;
      if (isSender || outcome.error.code !== "not_allowed") wrong.push(`seq ${seq} failed with ${outcome.error.code}`);
    } else if (!isSender || !outcome.receipt.duplicate || outcome.receipt.seq !== seq) {
      wrong.push(`seq ${seq} again as ${outcome.receipt.seq}`);
    }
  }
  if (n !== captured.length) wrong.push(`${n} answers to ${captured.length} replays`);
  return wrong;
}

/** Reads up to `max` messages as somebody without a memory would, and acknowledges them. */
async function take(address: string, reader: WireDevice, max: number, ledger: Ledger): Promise<void> {
  await using client: RelayClient = await connectVia("quic", address, reader);
  let lease: Uint8Array | null = null;
  const seqs: number[] = [];
  for await (const event of client.fetch({ max: max === Infinity ? 0 : max })) {
    if (event.type === "lease") lease = event.lease.slice();
    if (event.type !== "delivered") continue;
    const envelope = parseEnvelope(event.envelope);
    const text = new TextDecoder().decode(envelope.payload);
    ledger.add({ kind: "shown", text, seq: event.seq, reader: "bob" });
    seqs.push(event.seq);
  }
  if (seqs.length > 0) await client.ack(lease!, seqs.map((seq) => ({ first: seq, last: seq })));
}

/** The order in which an attacker plays back is theirs. */
function shuffled<T>(all: readonly T[], seed: number): T[] {
  const random = seeded(seed);
  const places = all.map((item) => ({ item, place: random() }));
  return places.sort((a, b) => a.place - b.place).map(({ item }) => item);
}
