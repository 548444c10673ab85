/** `qight invite create`: a secret for one other person, and what waits for them at the relay. @module */
import { contactName } from "../../client/contacts.ts";
import { groupsAt } from "../../client/participant_groups.ts";
import { parseRelayAddress } from "../../net/address.ts";
import { QightError } from "../../proto/errors.ts";
import { isLoopback } from "../../relay/config/addresses.ts";
import { parseDuration } from "../../relay/config/durations.ts";
import { inviteFields, ownName } from "../invite_output.ts";
import { Messenger } from "../messenger.ts";
import { INVITE_TTL, newInvite } from "../new_invite.ts";
import { qrCode } from "../qr_code.ts";
import { orAborted } from "../send_one.ts";
import type { inviteCreateSpec } from "../tree/invite.ts";
import type { Call } from "../tree/spec.ts";

/** Prints words, link and the command of who gets them. */
export async function run({ options, settings, out, signal }: Call<typeof inviteCreateSpec>): Promise<void> {
  const ttlS = Math.ceil(parseDuration(options.ttl ?? INVITE_TTL) / 1000);
  if (ttlS < 1 || ttlS > 0xffffffff) throw new QightError("bad_duration", `--ttl ${options.ttl} is out of range`);
  const name = options.name === undefined ? "" : ownName(options.name);
  const whom = options.for === undefined ? "" : contactName(options.for);
  await using messenger = await Messenger.open(settings, out);
  const { relay } = await orAborted(messenger.connect(), signal);
  await using _relay = relay;
  const { relayAddress } = messenger;
  const groups = groupsAt(messenger, { client: () => Promise.resolve(relay) });
  const found = options.group === undefined ? null : await groups.find(options.group);
  const group = found && await orAborted(groups.pass(found.group, ttlS), signal);
  const made = newInvite(messenger, relay, { ttlS, name, contactName: whom, ...(group ? { group } : {}) });
  const { invite, words, link, command } = await orAborted(made, signal);
  const { expires_at, ...fields } = inviteFields(invite);
  if (out.json) {
    const about = { words, link, expires_at, command, relay: relayAddress, name, ...fields };
    return await out.object(found ? { ...about, group: `#${found.name}` } : about);
  }
  await out.line(`words    ${words}`);
  await out.line(`link     ${link}`);
  await out.line(`expires  ${expires_at}, or when it was used`);
  await out.line("");
  await out.line(command);
  if (options.qr) await out.line(await qrCode(link));
  if (found) out.note(`Whoever takes it is in #${found.name} at once.`);
  out.note("Who gets it pastes that line, or types qight invite accept and the words. Your next fetch knows them.");
  if (isLoopback(parseRelayAddress(relayAddress).host)) {
    out.note("This relay's address is of this machine alone: nobody elsewhere can use the link.");
  }
}
