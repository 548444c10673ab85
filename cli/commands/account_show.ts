/** `qight account show`: the own account as the relay has it. @module */
import { AccountCalls } from "../../client/account_calls.ts";
import { accountFields, accountText } from "../account_output.ts";
import { Messenger } from "../messenger.ts";
import { orAborted } from "../send_one.ts";
import type { Call } from "../tree/spec.ts";

/** Prints name, id, devices, and how many recovery codes are left. */
export async function run({ settings, out, signal }: Call): Promise<void> {
  await using messenger = await Messenger.open(settings, out);
  const { relay, published } = await orAborted(messenger.connect(), signal);
  await using _relay = relay;
  const shown = await orAborted(new AccountCalls(relay.rpc).show(), signal);
  const { id } = messenger.identity.account;
  const devices = published.bundle.devices.length;
  const text = accountText(shown, id, devices, "qight account codes");
  await out.result(accountFields(shown, id, devices), text);
}
