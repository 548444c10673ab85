/** `qight invite list`: the own invites and what became of them. @module */
import { systemClock } from "../../client/clock.ts";
import { ownInvites } from "../../client/invites.ts";
import { openIdentity } from "../identity.ts";
import { inviteFields, inviteLine } from "../invite_output.ts";
import { openStore } from "../messenger.ts";
import type { Call } from "../tree/spec.ts";

/** Prints one line for each, oldest first; no relay is asked. */
export async function run({ settings, out }: Call): Promise<void> {
  const identity = await openIdentity(settings, out);
  await using store = await openStore(settings, identity);
  for (const invite of await ownInvites(store, systemClock.now())) {
    await out.result(inviteFields(invite), inviteLine(invite));
  }
}
