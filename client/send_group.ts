/**
 * Brings a frozen message to a group: one envelope for all, encrypted anew when the group has moved on meanwhile.
 * @module
 */
import { parseEnvelope } from "../crypto/envelope.ts";
import { equal } from "../crypto/equal.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import type { Frozen, Settlement } from "./outbox.ts";
import type { SendReceipt } from "./relay_client.ts";
import { acceptedBefore, isUnknown, settlementOf } from "./send_outcome.ts";
import type { Delivery, DeviceOutcome, SendRoom } from "./send_room.ts";
import type { OutboxEnvelope } from "./storage/store.ts";

/** So many times a message may lose the race against commits. */
const MAX_RACES = 32;

/** Sends a message to its group and settles it. */
export async function deliverToGroup(room: SendRoom, frozen: Frozen, dropWhenRefused: boolean): Promise<Delivery> {
  const { id } = frozen.row;
  const group = frozen.row.group!;
  const sent = envelopeTo(group, frozen);
  if (sent.state === "pending") return await sendPending(room, frozen, dropWhenRefused);
  const devices = await Promise.all(
    frozen.envelopes.filter(({ device }) => !equal(device, group)).map(async (envelope): Promise<DeviceOutcome> => {
      return { device: envelope.device, receipt: await acceptedBefore(room, id, envelope), error: null };
    }),
  );
  const error = sent.state === "refused" ? new QightError("not_allowed", "The relay refused it before") : null;
  return { id, via: "mls", group, devices, error };
}

async function sendPending(room: SendRoom, frozen: Frozen, dropWhenRefused: boolean): Promise<Delivery> {
  const { id, conversation } = frozen.row;
  const group = frozen.row.group!;
  const outcome = await sendThroughRaces(room, frozen);
  const settlement: Settlement = outcome.error
    ? settlementOf(outcome.error)
    : { kind: "accepted", receipt: outcome.receipt!, bodyHash: parseEnvelope(outcome.envelope).bodyHash };
  await room.outbox.settle([{ id, device: group, outcome: settlement }], true);
  if (outcome.error) {
    if (dropWhenRefused) await room.outbox.discard(id);
    return { id, via: "mls", group, devices: [], error: outcome.error };
  }
  const devices = outcome.receipt!.members ?? [];
  // In a group those who have it make it a success; a person with several devices has it when all have.
  const error = conversation === "direct" ? devices.find((one) => one.error)?.error ?? null : null;
  return { id, via: "mls", group, devices, error };
}

interface Outcome {
  readonly receipt: SendReceipt | null;
  readonly error: QightError | null;
  /** The bytes that it is about. */
  readonly envelope: Uint8Array;
}

/**
 * Sends, and after each certain `stale_epoch` takes the commits in and sends other bytes under the same id. A direct
 * conversation that the relay does not know any more, because it was restored from a backup, is begun anew; when nobody
 * else is on its roster, the other side is let in anew.
 */
async function sendThroughRaces(room: SendRoom, frozen: Frozen): Promise<Outcome> {
  const { relay, outbox, author, groups, receipts: receipt = false } = room;
  const { id } = frozen.row;
  const group = frozen.row.group!;
  let { envelope } = envelopeTo(group, frozen);
  let begunAnew = frozen.row.conversation !== "direct";
  // In the conversation with oneself there may be nobody else for good reason.
  let letIn = begunAnew || equal(frozen.row.recipient, author.bundle.account);
  for (let races = 0;; races++) {
    try {
      const accepted = await relay.send(envelope, { receipt });
      if (letIn || !groups || accepted.members?.length !== 0) return { receipt: accepted, error: null, envelope };
      // Stored for nobody: the other side is off the roster although their leaf is there.
      letIn = true;
      const refused = await groups.readmit(group, frozen.row.recipient).then(() => null, asQightError);
      if (refused && isUnknown(refused)) throw refused;
      if (refused) return { receipt: null, error: refused, envelope };
    } catch (thrown) {
      const error = asQightError(thrown);
      if (isUnknown(error) || error.requestId === undefined) throw error;
      const gone = error.code === "not_a_member" && !begunAnew;
      if ((error.code !== "stale_epoch" && !gone) || !groups || races >= MAX_RACES) {
        return { receipt: null, error, envelope };
      }
      await groups.bringTo(group, gone ? Number.MAX_SAFE_INTEGER : error.epoch ?? 0);
      if (gone) await groups.direct(frozen.row.recipient);
      begunAnew ||= gone;
    }
    try {
      const [anew] = await outbox.refreeze(author, group, [id]);
      envelope = envelopeTo(group, anew).envelope;
    } catch (thrown) {
      const error = asQightError(thrown);
      // Somebody removed us: nothing of it went out, and nothing ever will.
      if (error.code === "not_a_member") return { receipt: null, error, envelope };
      throw error;
    }
  }
}

function envelopeTo(group: Uint8Array, { envelopes }: Frozen): OutboxEnvelope {
  return envelopes.find(({ device }) => equal(device, group))!;
}
