/** `qight invite create`: a secret for one other person, and what waits for them at the relay. @module */
import { systemRandom } from "../../client/clock.ts";
import { contactName } from "../../client/contacts.ts";
import { makeInvite } from "../../client/invites.ts";
import { dialledName } from "../../client/session.ts";
import { INVITE_SECRET_BYTES } from "../../crypto/invite.ts";
import { formatInviteLink, formatInviteWords } from "../../crypto/invite_code.ts";
import { parseRelayAddress } from "../../net/address.ts";
import { QightError } from "../../proto/errors.ts";
import { isLoopback } from "../../relay/config/addresses.ts";
import { parseDuration } from "../../relay/config/durations.ts";
import { inviteFields, ownName } from "../invite_output.ts";
import { Messenger } from "../messenger.ts";
import { qrCode } from "../qr_code.ts";
import { orAborted } from "../send_one.ts";
import type { inviteCreateSpec } from "../tree/invite.ts";
import type { Call } from "../tree/spec.ts";

const DEFAULT_TTL = "10m";

/** Prints words, link and the command of who gets them. */
export async function run({ options, settings, out, signal }: Call<typeof inviteCreateSpec>): Promise<void> {
  const ttlS = Math.ceil(parseDuration(options.ttl ?? DEFAULT_TTL) / 1000);
  if (ttlS < 1 || ttlS > 0xffffffff) throw new QightError("bad_duration", `--ttl ${options.ttl} is out of range`);
  const name = options.name === undefined ? "" : ownName(options.name);
  const whom = options.for === undefined ? "" : contactName(options.for);
  await using messenger = await Messenger.open(settings, out);
  const { relay } = await orAborted(messenger.connect(), signal);
  await using _relay = relay;
  const { store, clock, identity, relayAddress } = messenger;
  const secret = systemRandom(INVITE_SECRET_BYTES);
  const address = parseRelayAddress(relayAddress);
  const invite = await orAborted(
    makeInvite({ relay, store, clock }, {
      ...{ secret, ttlS, name, contactName: whom },
      maker: identity.account.hash,
      relayName: dialledName(address),
    }),
    signal,
  );
  const words = formatInviteWords(secret);
  const link = formatInviteLink(relayAddress, secret);
  const command = `qight invite accept '${link}'`;
  const { expires_at, ...fields } = inviteFields(invite);
  if (out.json) return await out.object({ words, link, expires_at, command, relay: relayAddress, name, ...fields });
  await out.line(`words    ${words}`);
  await out.line(`link     ${link}`);
  await out.line(`expires  ${expires_at}, or when it was used`);
  await out.line("");
  await out.line(command);
  if (options.qr) await out.line(await qrCode(link));
  out.note("Who gets it pastes that line, or types qight invite accept and the words. Your next fetch knows them.");
  if (isLoopback(address.host)) {
    out.note("This relay's address is of this machine alone: nobody elsewhere can use the link.");
  }
}
