/**
 * OPAQUE's client with the least stretching that its library takes: what is measured is the relay, and stretching is all the
 * client's. The relay cannot tell the difference.
 * @module
 */
import { client as opaque, ready } from "@serenity-kit/opaque";
import { AccountCalls } from "../../client/account_calls.ts";
import type { RelayClient } from "../../client/relay_client.ts";
import type { Person } from "./people.ts";

const PASSWORD = "correct horse";
const keyStretching = { "argon2id-custom": { memory: 8, iterations: 1, parallelism: 1 } };

/** Registers a name for a person and signs the device in on this connection. */
export async function signUp(relay: RelayClient, { bundle }: Person, name: string): Promise<void> {
  await ready;
  const calls = new AccountCalls(relay.rpc);
  const { clientRegistrationState, registrationRequest } = opaque.startRegistration({ password: PASSWORD });
  const registrationResponse = await calls.registerStart(name, registrationRequest);
  const { registrationRecord } = opaque.finishRegistration({
    ...{ password: PASSWORD, clientRegistrationState, registrationResponse, keyStretching },
    identifiers: identifiers(relay, name),
  });
  await calls.registerFinish({ name, record: registrationRecord, bundle: bundle.bytes });
}

/** Signs in with the right password, or with another one; answers the token. */
export async function signIn(relay: RelayClient, name: string, password = PASSWORD): Promise<string> {
  await ready;
  const calls = new AccountCalls(relay.rpc);
  const { clientLoginState, startLoginRequest } = opaque.startLogin({ password });
  const { login, response } = await calls.loginStart(name, startLoginRequest);
  const finished = opaque.finishLogin({
    ...{ password, clientLoginState, loginResponse: response, keyStretching },
    identifiers: identifiers(relay, name),
  });
  // A client that finds its password wrong says no more; this one shows what the relay says to whoever goes on.
  return (await calls.loginFinish(login, finished?.finishLoginRequest ?? "A".repeat(86))).token;
}

function identifiers({ session }: RelayClient, name: string): { client: string; server: string } {
  return { client: name, server: session.root.toBase64({ alphabet: "base64url", omitPadding: true }) };
}
