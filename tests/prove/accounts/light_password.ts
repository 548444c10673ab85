/**
 * Passwords for rows that need many of them: OPAQUE as the client does it, stretched lightly. The relay cannot tell, since
 * stretching is the client's own affair (RFC 9807 §4.1.2, Harden); what is stored and answered is the same in every byte
 * that matters to it.
 * @module
 */
import { client, ready } from "@serenity-kit/opaque";
import type { AccountCalls } from "../../../client/account_calls.ts";
import type { OpaqueParties } from "../../../crypto/opaque.ts";

/** The least that Argon2id takes: 8 KiB a lane. */
const keyStretching = { "argon2id-custom": { memory: 8, iterations: 1, parallelism: 1 } };

/** A record of this password, made with the relay's answer to a RegistrationRequest. */
export async function lightRecord(
  password: string,
  parties: OpaqueParties,
  ask: (request: string) => Promise<string>,
): Promise<string> {
  await ready;
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password });
  const registrationResponse = await ask(registrationRequest);
  const identifiers = { client: parties.name, server: parties.relay };
  const params = { password, clientRegistrationState, registrationResponse, identifiers, keyStretching };
  return client.finishRegistration(params).registrationRecord;
}

/** What LoginFinish wants; `finish` is null when the password is wrong. */
export interface LightLogin {
  readonly login: Uint8Array;
  readonly finish: string | null;
  readonly retryAfterMs: number;
}

/** The first two steps of a login. */
export async function lightLogin(
  calls: Pick<AccountCalls, "loginStart">,
  parties: OpaqueParties,
  password: string,
): Promise<LightLogin> {
  await ready;
  const { clientLoginState, startLoginRequest } = client.startLogin({ password });
  const { login, response, retryAfterMs } = await calls.loginStart(parties.name, startLoginRequest);
  const identifiers = { client: parties.name, server: parties.relay };
  const finished = client.finishLogin({
    ...{ password, clientLoginState, loginResponse: response },
    ...{ identifiers, keyStretching },
  });
  return { login, finish: finished?.finishLoginRequest ?? null, retryAfterMs };
}
