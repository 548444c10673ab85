/**
 * Signs a listed device in and out, and changes the password.
 * @module
 */
import { readName } from "../../crypto/account_name.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import { AccountCalls } from "../account_calls.ts";
import { type AccountRoom, partiesOf, type PasswordRoom } from "./room.ts";
import { forgetSession, keepSession } from "./session_token.ts";

/**
 * Proves the password of a name and keeps the session. `wrong_password` also for names that nobody has; `not_listed` when
 * the account does not list this device: a password alone admits none.
 */
export async function login(room: PasswordRoom, name: string, password: string): Promise<void> {
  const { relay, relayName, store, opaque } = room;
  const parties = partiesOf(relay, readName(name));
  const calls = new AccountCalls(relay.rpc);
  const { state, request } = await opaque.run("beginLogin", password);
  const { login, response, retryAfterMs } = await calls.loginStart(name, request);
  const finish = await opaque.run("finishLogin", password, state, parties, response);
  if (finish === null) throw wrongPassword(retryAfterMs);
  const { token } = await calls.loginFinish(login, finish);
  await store.write((tables) => keepSession(tables, relayName, token));
}

/** Ends the session of this device; a relay that knows of none has ended it already. */
export async function logout({ relay, relayName, store }: AccountRoom): Promise<void> {
  try {
    await new AccountCalls(relay.rpc).logout();
  } catch (thrown) {
    if (asQightError(thrown).code !== "login_needed") throw thrown;
  }
  await store.write((tables) => forgetSession(tables, relayName));
}

/**
 * Another password for the own name, which the answer names. All other devices have to sign in again. `wrong_password`;
 * `no_accounts` for an account without a name.
 */
export async function changePassword(
  room: PasswordRoom,
  passwords: { readonly present: (name: string) => Promise<string>; readonly next: (name: string) => Promise<string> },
): Promise<string> {
  const { relay, opaque } = room;
  const calls = new AccountCalls(relay.rpc);
  const { name } = await calls.show();
  if (name === "") throw new QightError("no_accounts", "This account has no name and no password at this relay");
  const present = await passwords.present(name);
  const next = await passwords.next(name);
  await login(room, name, present);
  const { state, request } = await opaque.run("beginRegistration", next);
  const response = await calls.changePasswordStart(request);
  const parties = partiesOf(relay, readName(name));
  await calls.changePasswordFinish(await opaque.run("finishRegistration", next, state, parties, response));
  return name;
}

/** The relay said beforehand how long the next try has to wait: that a password is wrong the client alone finds out. */
function wrongPassword(retryAfterMs: number): QightError {
  if (retryAfterMs === 0) return new QightError("wrong_password");
  const wait = `the next try is possible in ${Math.ceil(retryAfterMs / 1000)} s`;
  return new QightError("wrong_password", `The name or the password is wrong; ${wait}`, { retryAfterMs });
}
