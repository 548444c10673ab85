/**
 * Brings frozen messages to the relay and records what became of them: single sends, repeats, and the queue.
 * @module
 */
import { parseEnvelope } from "../crypto/envelope.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import type { Content } from "../proto/gen/qight/v1/seal_pb.ts";
import type { Draft } from "./messages.ts";
import type { Frozen, Settled, Settlement } from "./outbox.ts";
import type { RelayClient, SendReceipt } from "./relay_client.ts";
import { deliverToGroup } from "./send_group.ts";
import { acceptedBefore, isUnknown, settlementOf } from "./send_outcome.ts";
import type { Delivery, DeviceOutcome, SendRoom, Via } from "./send_room.ts";
import { onlyAccount, targetOf } from "./send_target.ts";
import type { OutboxEnvelope, OutboxRow } from "./storage/store.ts";

export type { Delivery, DeviceOutcome, SendRoom, Via };
export { isUnknown, settlementOf };

/**
 * Sends one message now, to an account (hash) or with `draft.conversation` "group" to a group (id). Resolves with what
 * each device's mailbox said. A refusal by all leaves nothing in the outbox; when the outcome is unknown (`timeout`,
 * `unreachable` after a session) it throws and the message stays *held*: `repeatMessage` sends the same bytes again.
 */
export async function sendMessage(room: SendRoom, recipient: Uint8Array, draft: Draft): Promise<Delivery> {
  checkSize(room.relay, draft.content);
  const known = await room.outbox.get(draft.id);
  // A known id needs no keys: what goes out was fixed when it was first sent.
  const { to, sealedBecause } = known?.row.content === null
    ? { to: onlyAccount(recipient) }
    : await targetOf(room, recipient, draft.conversation);
  const [frozen] = await room.outbox.freeze(room.author, to, [draft]);
  // An earlier try may have gone through unseen: then not even a refusal is certain.
  return { ...await deliver(room, frozen, known === null), ...because(sealedBecause) };
}

function because(sealedBecause: QightError | undefined): Pick<Delivery, "sealedBecause"> {
  return sealedBecause ? { sealedBecause } : {};
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
 * the later ones either; what is for a group that this device is out of is given up. Ends early, by throwing, when the
 * outcome is unknown.
 */
export async function* flushQueue(room: SendRoom): AsyncGenerator<Delivery, void, undefined> {
  const waiting = new Set<string>();
  for (const id of await room.outbox.queued()) {
    const queued = await room.outbox.get(id);
    if (!queued || queued.row.state !== "queued") continue; // another process was faster
    const recipient = queued.row.recipient.toHex();
    if (waiting.has(recipient)) continue;
    const delivery = await deliverQueued(room, queued);
    const over = delivery.error?.code === "not_a_member" && await room.outbox.giveUp(id);
    if (delivery.error && !over) waiting.add(recipient);
    yield delivery;
  }
}

async function deliverQueued(room: SendRoom, queued: Frozen): Promise<Delivery> {
  const { row } = queued;
  try {
    const { to, sealedBecause } = row.content === null
      ? { to: onlyAccount(row.recipient) }
      : await targetOf(room, row.recipient, row.conversation);
    const frozen = await room.outbox.freezeQueued(room.author, to, row.id);
    return { ...await deliver(room, frozen, false), ...because(sealedBecause) };
  } catch (thrown) {
    const error = asQightError(thrown);
    if (isUnknown(error)) throw error;
    return { id: row.id, via: viaOf(row), group: row.group, devices: [], error };
  }
}

function viaOf({ plaintext, group, conversation, content }: OutboxRow): Via {
  if (plaintext) return "plain";
  return group || (content !== null && conversation) ? "mls" : "sealed";
}

/** Sends what is pending of a frozen message and settles it. */
async function deliver(room: SendRoom, frozen: Frozen, dropWhenRefused: boolean): Promise<Delivery> {
  if (frozen.row.group) return await deliverToGroup(room, frozen, dropWhenRefused);
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
  return { id, via: viaOf(frozen.row), group: null, devices, error };
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
