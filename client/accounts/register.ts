/**
 * Takes a name at a relay, with a password that never leaves this machine.
 * @module
 */
import { foldName } from "../../crypto/account_name.ts";
import { AccountCalls } from "../account_calls.ts";
import { ownBundle } from "../publish.ts";
import { partiesOf, type PasswordRoom } from "./room.ts";
import { keepSession } from "./session_token.ts";

/**
 * Registers the account of this device under a name and signs the device in. `bad_name`, `name_taken`, `no_accounts`,
 * `rate_limited`.
 */
export async function register(room: PasswordRoom, name: string, password: string): Promise<void> {
  const { relay, relayName, store, opaque } = room;
  const parties = partiesOf(relay, foldName(name));
  const calls = new AccountCalls(relay.rpc);
  const { state, request } = await opaque.run("beginRegistration", password);
  const response = await calls.registerStart(name, request);
  const record = await opaque.run("finishRegistration", password, state, parties, response);
  const bundle = await ownBundle(room);
  const { token } = await calls.registerFinish({ name, record, bundle: bundle.bytes });
  await store.write((tables) => {
    keepSession(tables, relayName, token);
    if (!tables.directory.latest(bundle.account)) tables.directory.putBundle(bundle);
  });
}
