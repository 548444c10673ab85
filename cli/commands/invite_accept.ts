/** `qight invite accept`: takes an invite; both sides become verified contacts. @module */
import { answerInvite, claimInvite, confirmInvite } from "../../client/invites.ts";
import { contactName } from "../../client/contacts.ts";
import type { GroupPass, GroupView } from "../../client/groups.ts";
import { groupsAt } from "../../client/participant_groups.ts";
import { repeatMessage } from "../../client/send.ts";
import { formatAccountId } from "../../crypto/account.ts";
import { parseRelayAddress } from "../../net/address.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import { contactFields } from "../contact_output.ts";
import { type InviteCode, readInvite } from "../invite_code.ts";
import { ownName } from "../invite_output.ts";
import { type Connected, Messenger } from "../messenger.ts";
import type { Output } from "../output.ts";
import { orAborted } from "../send_one.ts";
import type { Settings } from "../settings.ts";
import type { inviteAcceptSpec } from "../tree/invite.ts";
import type { Call } from "../tree/spec.ts";

/** Claims the record, keeps contact and answer in one transaction, sends the answer, and confirms. */
export async function run({ args, options, settings, out, signal }: Call<typeof inviteAcceptSpec>): Promise<void> {
  const name = options.name === undefined ? "" : contactName(options.name);
  const called = options.as === undefined ? "" : ownName(options.as);
  const code = await readInvite(args, settings, out);
  await using messenger = await Messenger.open(atRelayOf(code, settings, out), out);
  const room = await orAborted(messenger.connect(), signal);
  await using _relay = room.relay;
  const { store, clock, outbox, identity } = messenger;
  const own = identity.account.hash;
  const work = { relay: room.relay, store, clock, outbox };
  const claimed = await orAborted(claimInvite(work, code.secret, own), signal).catch(sayingWhere(code, messenger));
  const { contact, id } = await answerInvite(work, claimed, { own, ownName: called, name });
  const answered = await sendAnswer(messenger, room, id, signal, out);
  if (answered) await orAborted(confirmInvite(room, claimed.keys), signal).catch(unlessAborted(signal, out));
  const fields = { ...contactFields(contact), relay: messenger.relayAddress, answered };
  const group = claimed.record.group && await orAborted(enter(messenger, room, claimed.record.group), signal);
  const text = `${contact.name}  ${formatAccountId(contact.account)}  verified`;
  if (!group) return await out.result(fields, text);
  await out.result({ ...fields, group: `#${group.name}` }, `${text}\nyou are in #${group.name} now`);
}

function enter(messenger: Messenger, { relay }: Connected, pass: GroupPass): Promise<GroupView> {
  return groupsAt(messenger, { client: () => Promise.resolve(relay) }).joinBy(pass);
}

/** The answer goes behind what was queued before; when it cannot go now, later commands send it. */
async function sendAnswer(
  messenger: Messenger,
  room: Connected,
  id: Uint8Array,
  signal: AbortSignal,
  out: Output,
): Promise<boolean> {
  try {
    await orAborted(messenger.flush(room), signal);
    if ((await messenger.outbox.get(id))?.row.state === "sent") return true;
    const { error } = await orAborted(repeatMessage(room, id), signal);
    if (!error) return true;
    throw error;
  } catch (thrown) {
    signal.throwIfAborted();
    out.note(`your answer waits on disk, the next command sends it: ${asQightError(thrown).message}`);
    return false;
  }
}

/** A link's own relay counts when no other is chosen. */
function atRelayOf({ relay }: InviteCode, settings: Settings, out: Output): Settings {
  if (relay === undefined) return settings;
  const named = parseRelayAddress(relay).text;
  if (settings.relay !== undefined) return settings;
  out.note(`no relay was chosen: using the one in the link. To go on with it: export QIGHT_RELAY=${named}`);
  return { ...settings, relay: named };
}

function sayingWhere({ relay }: InviteCode, { relayAddress }: Messenger): (thrown: unknown) => never {
  return (thrown) => {
    const elsewhere = relay !== undefined && parseRelayAddress(relay).text !== relayAddress;
    const error = asQightError(thrown);
    if (error.code !== "invite_unknown" || !elsewhere) throw thrown;
    throw new QightError(error.code, error.message, {
      cause: thrown,
      hint: `The link is for another relay than the one chosen: --relay ${parseRelayAddress(relay).text}.`,
    });
  };
}

function unlessAborted(signal: AbortSignal, out: Output): (thrown: unknown) => void {
  return (thrown) => {
    signal.throwIfAborted();
    // Only this device could still use the invite, and to no effect: the answer is at the relay.
    out.detail(`the invite was not confirmed: ${asQightError(thrown).message}`);
  };
}
