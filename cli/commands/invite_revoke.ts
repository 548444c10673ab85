/** `qight invite revoke`: takes an invite back before anybody uses it. @module */
import { forgetInvite, ownInvites, revokeInvite } from "../../client/invites.ts";
import { findInvite, inviteFields } from "../invite_output.ts";
import { Messenger } from "../messenger.ts";
import { orAborted } from "../send_one.ts";
import type { Call } from "../tree/spec.ts";

/** First here, where it decides who becomes a contact; then at the relay, which then gives the record to nobody. */
export async function run({ args: [id], settings, out, signal }: Call): Promise<void> {
  await using messenger = await Messenger.open(settings, out);
  const { store, clock } = messenger;
  const invite = findInvite(await ownInvites(store, clock.now()), id);
  await forgetInvite(store, invite.locator);
  const room = await orAborted(messenger.connect(), signal);
  await using _relay = room.relay;
  const revoked = await orAborted(revokeInvite(room, invite.locator), signal);
  if (!revoked && invite.state === "open") {
    out.note(
      "the relay had given it out already: whoever has it believes that you are a contact, and is none of yours",
    );
  }
  const fields = { ...inviteFields({ ...invite, state: "revoked" }), revoked: true };
  await out.result(fields, `${fields.id}  revoked`);
}
