/**
 * Registering and signing in as a client does, step by step, so that a test may stop or repeat between the steps.
 * @module
 */
import type { RelayClient } from "../../client/relay_client.ts";
import { beginLogin, beginRegistration, finishLogin, finishRegistration } from "../../crypto/opaque.ts";
import { AccountService } from "../../proto/gen/qight/v1/login_pb.ts";
import type { Person } from "./people.ts";

/** The calls of accounts. */
export const calls = AccountService.method;

/** Name and relay as both sides of OPAQUE say them. */
export function parties(client: RelayClient, name: string) {
  return { name, relay: client.session.root.toBase64({ alphabet: "base64url", omitPadding: true }) };
}

/** A password record for this name, made with the relay; nothing is stored yet. */
export async function recordFor(client: RelayClient, name: string, password: string): Promise<string> {
  const { state, request } = await beginRegistration(password);
  const { response } = await client.rpc.unary(calls.registerStart, { name, request });
  return await finishRegistration(password, state, parties(client, name), response);
}

/** Registers a name for a person who is not published yet; answers the session token. */
export async function register(client: RelayClient, who: Person, name: string, password: string): Promise<string> {
  const record = await recordFor(client, name, password);
  const request = { name, record, bundle: who.bundle.bytes };
  return (await client.rpc.unary(calls.registerFinish, request)).sessionToken;
}

/** The first two steps of a login: what LoginFinish wants, or null as `finish` when the password is wrong. */
export async function startLogin(client: RelayClient, name: string, password: string) {
  const { state, request } = await beginLogin(password);
  const { login, response, retryAfterMs } = await client.rpc.unary(calls.loginStart, { name, request });
  return { login, finish: await finishLogin(password, state, parties(client, name), response), response, retryAfterMs };
}

/** Signs a listed device in; answers the session token. */
export async function login(client: RelayClient, name: string, password: string): Promise<string> {
  const { login, finish } = await startLogin(client, name, password);
  if (finish === null) throw new Error("the password is wrong");
  return (await client.rpc.unary(calls.loginFinish, { login, finish })).sessionToken;
}
