/**
 * Brings frozen messages to the relay and records what became of them: single sends, repeats, and the queue.
 * @module
 */
import { parseEnvelope } from "../crypto/envelope.ts";
import { asQightError, type ErrorCode, QightError } from "../proto/errors.ts";
import type { Content } from "../proto/gen/qight/v1/seal_pb.ts";
import type { KeyDirectory, Recipient } from "./directory.ts";
import type { Author } from "./identity.ts";
import type { Draft } from "./messages.ts";
import type { Frozen, Outbox, Settled, Settlement } from "./outbox.ts";
import type { RelayClient, SendReceipt } from "./relay_client.ts";
import type { OutboxEnvelope } from "./storage/store.ts";

/** What became of a message at each device of its recipient. */
export interface Delivery {
  readonly id: Uint8Array;
  readonly devices: readonly DeviceOutcome[];
  /** The first refusal; null when every device's mailbox has the message. */
  readonly error: QightError | null;
}

/** One device's mailbox: either a receipt or an error. */
export interface DeviceOutcome {
  readonly device: Uint8Array;
  readonly receipt: SendReceipt | null;
  readonly error: QightError | null;
}

/** What sending needs. */
export interface SendRoom {
  readonly relay: RelayClient;
  readonly outbox: Outbox;
  readonly directory: KeyDirectory;
  readonly author: Author;
  /** Wait for the relay's signed receipts too, and keep them beside the sent messages. */
  readonly receipts?: boolean;
}

/**
 * Sends one message now. Resolves with what each device's mailbox said. A refusal by all leaves nothing in the outbox;
 * when the outcome is unknown (`timeout`, `unreachable` after a session) it throws and the message stays *held*:
 * `repeatMessage` sends the same bytes again.
 */
export async function sendMessage(room: SendRoom, account: Uint8Array, draft: Draft): Promise<Delivery> {
  checkSize(room.relay, draft.content);
  const known = await room.outbox.get(draft.id);
  // A known id needs no keys: what goes out was fixed when it was first sent.
  const recipient = known?.row.content === null
    ? onlyAccount(account)
    : await room.directory.lookUp(room.relay, account);
  const [frozen] = await room.outbox.freeze(room.author, recipient, [draft]);
  // An earlier try may have gone through unseen: then not even a refusal is certain.
  return await deliver(room, frozen, known === null);
}

/** Sends the kept bytes of a message again, to the devices that lack it. `no_input` when the id is unknown. */
export async function repeatMessage(room: SendRoom, id: Uint8Array): Promise<Delivery> {
  const known = await room.outbox.get(id);
  if (!known) {
    throw new QightError("no_input", `There is no message ${id.toHex()} to repeat`, {
      hint: "Give the MESSAGE as well: nothing of it was kept.",
    });
  }
  if (known.row.content === null) return await deliver(room, known, false);
  return await deliverQueued(room, known);
}

/**
 * Sends what is queued, in order, and yields what became of each. A recipient that cannot take one now gets none of
 * the later ones either. Ends early, by throwing, when the outcome is unknown.
 */
export async function* flushQueue(room: SendRoom): AsyncGenerator<Delivery, void, undefined> {
  const waiting = new Set<string>();
  for (const id of await room.outbox.queued()) {
    const queued = await room.outbox.get(id);
    if (!queued || queued.row.state !== "queued") continue; // another process was faster
    const recipient = queued.row.recipient.toHex();
    if (waiting.has(recipient)) continue;
    const delivery = await deliverQueued(room, queued);
    if (delivery.error) waiting.add(recipient);
    yield delivery;
  }
}

async function deliverQueued(room: SendRoom, queued: Frozen): Promise<Delivery> {
  const { row } = queued;
  let recipient: Recipient;
  try {
    recipient = row.content === null
      ? onlyAccount(row.recipient)
      : await room.directory.lookUp(room.relay, row.recipient);
    const frozen = await room.outbox.freezeQueued(room.author, recipient, row.id);
    return await deliver(room, frozen, false);
  } catch (thrown) {
    const error = asQightError(thrown);
    if (isUnknown(error)) throw error;
    return { id: row.id, devices: [], error };
  }
}

/** Sends what is pending of a frozen message and settles it. */
async function deliver(room: SendRoom, frozen: Frozen, dropWhenRefused: boolean): Promise<Delivery> {
  const { id } = frozen.row;
  const pending = frozen.envelopes.filter(({ state }) => state === "pending");
  const fresh = await outcomesOf(room, pending);
  const devices = await Promise.all(frozen.envelopes.map(async (envelope): Promise<DeviceOutcome> => {
    const { device, state } = envelope;
    const outcome = fresh.get(envelope);
    if (outcome) return outcome;
    const receipt = state === "accepted" ? await acceptedBefore(room, id, envelope) : null;
    return { device, receipt, error: receipt ? null : new QightError("not_allowed", "This device refused it before") };
  }));
  await room.outbox.settle(
    devices.map(({ device, receipt, error }, at): Settled => ({
      id,
      device,
      outcome: receipt ? settledAs(receipt, frozen.envelopes[at]) : settlementOf(error!),
    })),
    true,
  );
  const error = devices.find((one) => one.error)?.error ?? null;
  if (dropWhenRefused && devices.every(({ receipt }) => !receipt)) await room.outbox.discard(id);
  return { id, devices, error };
}

/** What is known of an envelope that was accepted before, with its receipt if that is wanted and can be had. */
async function acceptedBefore(
  { relay, outbox, receipts }: SendRoom,
  id: Uint8Array,
  { device, seq, expiresAtMs }: OutboxEnvelope,
): Promise<SendReceipt> {
  const receipt = { seq, expiresAtMs, duplicate: true };
  const kept = receipts ? await outbox.receipt(id, device) : null;
  if (!kept) return receipt;
  if (kept.receipt) return { ...receipt, signed: { bytes: kept.receipt, error: null } };
  const signed = await relay.getReceipt({ mailbox: device, id, seq, bodyHash: kept.bodyHash });
  if (signed.bytes) await outbox.keepReceipt(id, device, { ...kept, receipt: signed.bytes });
  return { ...receipt, signed };
}

/** The bytes are there for the last time: a receipt that is asked for later is compared with their hash. */
function settledAs(receipt: SendReceipt, { envelope }: OutboxEnvelope): Settlement {
  if (envelope.length === 0) return { kind: "accepted", receipt };
  return { kind: "accepted", receipt, bodyHash: parseEnvelope(envelope).bodyHash };
}

async function outcomesOf(
  { relay, receipts: receipt = false }: SendRoom,
  pending: readonly OutboxEnvelope[],
): Promise<Map<OutboxEnvelope, DeviceOutcome>> {
  const outcomes = new Map<OutboxEnvelope, DeviceOutcome>();
  const put = (envelope: OutboxEnvelope, receipt: SendReceipt | null, error: QightError | null) =>
    outcomes.set(envelope, { device: envelope.device, receipt, error });
  if (pending.length === 1) {
    try {
      put(pending[0], await relay.send(pending[0].envelope, { receipt }), null);
    } catch (thrown) {
      const error = asQightError(thrown);
      if (isUnknown(error) || error.requestId === undefined) throw error;
      put(pending[0], null, error);
    }
  } else if (pending.length > 1) {
    let at = 0;
    for await (const outcome of relay.sendMany(pending.map(({ envelope }) => envelope), { receipt })) {
      const envelope = pending[at++];
      if (outcome.kind === "accepted") put(envelope, outcome.receipt, null);
      else if (isUnknown(outcome.error)) throw outcome.error;
      else put(envelope, null, outcome.error);
    }
  }
  return outcomes;
}

/** Whether an error leaves open what the relay did; then the bytes must be kept. */
export function isUnknown(error: QightError): boolean {
  return UNKNOWN.has(error.code);
}

/** How an error settles an envelope: refused for good, or to be tried again. */
export function settlementOf(error: QightError): Settlement {
  return { kind: error.exit === 75 || KEEP_TRYING.has(error.code) ? "postponed" : "refused" };
}

const UNKNOWN = new Set<ErrorCode>([
  "timeout",
  "unreachable",
  "internal",
  "store_damaged",
  "interrupted",
  "terminated",
  "bad_frame",
]);
// A recipient may appear, an operator may admit us.
const KEEP_TRYING = new Set<ErrorCode>(["no_such_recipient", "not_allowed", "bad_token", "no_session"]);

function checkSize(relay: RelayClient, content: Content): void {
  const size = contentSize(content);
  const { maxMessage } = relay.session;
  if (size > maxMessage) {
    throw new QightError("message_too_large", `The message has ${size} bytes; this relay takes ${maxMessage}`);
  }
}

/** Bytes of text, data and files, as the relay's `max_message` counts them. */
export function contentSize({ body, files }: Content): number {
  const text = body.case === "text" ? new TextEncoder().encode(body.value).length : 0;
  const data = body.case === "data" ? body.value.length : 0;
  return files.reduce((sum, file) => sum + file.data.length, text + data);
}

/** A recipient whose keys are not needed, because the bytes are fixed. */
function onlyAccount(account: Uint8Array): Recipient {
  return { account, sealingKeys: [], bundle: undefined as never };
}
