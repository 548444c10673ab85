/** `qight account show`: the own account as the relay has it. @module */
import { AccountCalls } from "../../client/account_calls.ts";
import { Messenger } from "../messenger.ts";
import { orAborted } from "../send_one.ts";
import type { Call } from "../tree/spec.ts";

/** Prints name, id, devices, and how many recovery codes are left. */
export async function run({ settings, out, signal }: Call): Promise<void> {
  await using messenger = await Messenger.open(settings, out);
  const { relay, published } = await orAborted(messenger.connect(), signal);
  await using _relay = relay;
  const shown = await orAborted(new AccountCalls(relay.rpc).show(), signal);
  const named = shown.name !== "";
  const devices = published.bundle.devices.length;
  const fields = {
    name: named ? shown.name : null,
    id: messenger.identity.account.id,
    devices,
    signed_in: named ? shown.sessions : null,
    registered_at: dateOf(shown.registeredAtMs),
    recovery_codes: shown.recoveryCodes,
    recovery_made_at: dateOf(shown.recoveryMadeAtMs),
  };
  const made = fields.recovery_made_at === null
    ? "none: qight account codes makes them"
    : `${shown.recoveryCodes} left`;
  await out.result(
    fields,
    [
      ...(named ? [`name     ${shown.name}`] : []),
      `id       ${fields.id}`,
      `devices  ${devices}${named ? `, ${shown.sessions} signed in` : ""}`,
      `codes    ${made}`,
    ].join("\n"),
  );
}

function dateOf(ms: number): string | null {
  return ms === 0 ? null : new Date(ms).toISOString();
}
