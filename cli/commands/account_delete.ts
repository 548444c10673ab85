/** `qight account delete`: the account is gone for good at a relay. @module */
import { AccountCalls } from "../../client/account_calls.ts";
import { endAccount } from "../../client/accounts/end.ts";
import { accountRoom } from "../account_work.ts";
import { Messenger } from "../messenger.ts";
import { orAborted } from "../send_one.ts";
import type { Call } from "../tree/spec.ts";
import { wantYes } from "../yes.ts";

/** Asks for the name (or the id where there is none), signs the account's end, and has the relay purge it. */
export async function run({ settings, out, signal }: Call): Promise<void> {
  await using messenger = await Messenger.open(settings, out);
  const { id } = messenger.identity.account;
  let name: string;
  {
    await using relay = await orAborted(messenger.dial(), signal);
    name = (await orAborted(new AccountCalls(relay.rpc).show(), signal)).name;
  }
  const word = name === "" ? id : name;
  await wantYes(settings, {
    question: `To delete it, type ${word}: `,
    answer: word,
    needs: "Deleting an account must be confirmed",
    refused: "Nothing was deleted",
    explain() {
      out.note("This ends the account at this relay for ever: all devices, what waits for them, the recovery codes.");
      out.note("Its id is never used again, groups remove its devices, and contacts see that it is gone.");
    },
  });
  await using relay = await orAborted(messenger.dial(), signal);
  await orAborted(endAccount(accountRoom(messenger, relay)), signal);
  await out.result({ name: name === "" ? null : name, id, deleted: true }, `${name === "" ? "" : `${name}  `}${id}`);
  out.note("The key and the messages on this machine are still here: qight key delete removes them.");
}
