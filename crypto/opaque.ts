/**
 * OPAQUE (RFC 9807, ristretto255 with SHA-512) over @serenity-kit/opaque: a password that the relay never sees. The
 * messages are base64url without padding, as that library writes them. What it leaves to its caller is done here: exact
 * lengths (it takes bytes after the end), typed errors, chosen stretching. That a login is answered once, and in time,
 * is the relay's part (relay/login_states.ts): the library finishes one state as often as it is asked.
 * @module
 */
import { QightError } from "../proto/errors.ts";

/**
 * Argon2id of the password at the client: 64 MiB, three passes, four lanes (RFC 9106 §4, the second choice); about
 * 0.2 s, in one go: call the finishing functions off the main thread. The same for everybody at every relay, since
 * unknown names have to look like known ones.
 */
const STRETCHING = { memoryKiB: 65_536, passes: 3, lanes: 4 } as const;

/** Bytes of the messages (RFC 9807 §4.1 to §6.4 with Noe = Npk = 32, Nh = Nm = 64, Nn = 32). */
export const OPAQUE_BYTES = {
  registrationRequest: 32,
  registrationResponse: 64,
  record: 192,
  ke1: 96,
  ke2: 320,
  ke3: 64,
} as const;

/** Who logs in where; both sides must say the same, else nothing opens. */
export interface OpaqueParties {
  /** The folded name (crypto/account_name.ts). */
  readonly name: string;
  /** The relay's root key in base64url, 43 characters. */
  readonly relay: string;
}

/** What the client keeps between the two steps. Secret: whoever has it may guess passwords without the relay. */
export interface OpaqueStep {
  readonly state: string;
  readonly request: string;
}

/** A fresh setup of a relay: its OPRF seed and its key. Secret, and made once: with another one no record opens. */
export async function makeOpaqueSetup(): Promise<string> {
  const { server } = await library();
  return server.createSetup();
}

/** RegistrationResponse for a RegistrationRequest; throws `bad_frame` when that is none. */
export async function answerRegistration(setup: string, name: string, request: string): Promise<string> {
  const { server } = await library();
  check(request, "registrationRequest");
  const params = { serverSetup: setup, userIdentifier: name, registrationRequest: request };
  return said(() => server.createRegistrationResponse(params)).registrationResponse;
}

/** Throws `bad_frame` unless this is a RegistrationRecord, by its form; what is in it only a login shows. */
export async function checkRecord(setup: string, parties: OpaqueParties, record: string): Promise<void> {
  check(record, "record");
  const { client } = await library();
  // The library reads a record only where it answers a login; any request serves.
  const { startLoginRequest } = client.startLogin({ password: "" });
  await answerLogin(setup, parties, record, startLoginRequest);
}

/**
 * KE2 for a KE1, and the state that checks its KE3. Without a record it is the answer of a name that has none, which
 * looks and costs the same and is never finished (RFC 9807 §6.3.2.2). Throws `bad_frame` when the KE1 is none.
 */
export async function answerLogin(
  setup: string,
  parties: OpaqueParties,
  record: string | null,
  request: string,
): Promise<{ readonly state: string; readonly response: string }> {
  const { server } = await library();
  check(request, "ke1");
  const { serverLoginState, loginResponse } = said(() =>
    server.startLogin({
      serverSetup: setup,
      userIdentifier: parties.name,
      registrationRecord: record,
      startLoginRequest: request,
      identifiers: identifiers(parties),
    })
  );
  return { state: serverLoginState, response: loginResponse };
}

/** Whether a KE3 proves the password; give a state once. False also for what is no KE3. */
export async function loginIsProven(state: string, parties: OpaqueParties, finish: string): Promise<boolean> {
  const { server } = await library();
  if (!isMessage(finish, "ke3")) return false;
  try {
    server.finishLogin({ serverLoginState: state, finishLoginRequest: finish, identifiers: identifiers(parties) });
    return true;
  } catch (thrown) {
    // The library says it with a plain error, whatever the reason; one that is not an Error is a broken library.
    if (thrown instanceof Error && !(thrown instanceof WebAssembly.RuntimeError)) return false;
    throw thrown;
  }
}

/** First step of a registration, also of a new password. Quick. */
export async function beginRegistration(password: string): Promise<OpaqueStep> {
  const { client } = await library();
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password: prepared(password) });
  return { state: clientRegistrationState, request: registrationRequest };
}

/** The RegistrationRecord for the relay; stretches. Throws `bad_frame` when the relay's answer is none. */
export async function finishRegistration(
  password: string,
  state: string,
  parties: OpaqueParties,
  response: string,
): Promise<string> {
  const { client } = await library();
  check(response, "registrationResponse");
  return said(() =>
    client.finishRegistration({
      password: prepared(password),
      clientRegistrationState: state,
      registrationResponse: response,
      identifiers: identifiers(parties),
      keyStretching: stretching,
    })
  ).registrationRecord;
}

/** First step of a login. Quick. */
export async function beginLogin(password: string): Promise<OpaqueStep> {
  const { client } = await library();
  const { clientLoginState, startLoginRequest } = client.startLogin({ password: prepared(password) });
  return { state: clientLoginState, request: startLoginRequest };
}

/**
 * KE3 for the relay, or null when the password (or the relay) is not the one of the registration; stretches. Throws
 * `bad_frame` when the relay's answer is none.
 */
export async function finishLogin(
  password: string,
  state: string,
  parties: OpaqueParties,
  response: string,
): Promise<string | null> {
  const { client } = await library();
  check(response, "ke2");
  const params = { password: prepared(password), clientLoginState: state, loginResponse: response };
  const finished = said(() =>
    client.finishLogin({ ...params, identifiers: identifiers(parties), keyStretching: stretching })
  );
  return finished?.finishLoginRequest ?? null;
}

/** 430 KB with its WebAssembly: loaded where names are used, and one file of a build for all of its threads. */
async function library(): Promise<typeof import("@serenity-kit/opaque")> {
  const loaded = await import("@serenity-kit/opaque");
  await loaded.ready;
  return loaded;
}

const stretching = {
  "argon2id-custom": { memory: STRETCHING.memoryKiB, iterations: STRETCHING.passes, parallelism: STRETCHING.lanes },
};

function identifiers({ name, relay }: OpaqueParties): { client: string; server: string } {
  return { client: name, server: relay };
}

/** Unicode form C (RFC 8265 §4.2), so that a password typed on another keyboard fits. */
function prepared(password: string): string {
  return password.normalize("NFC");
}

/** As long as so many bytes in base64url; bits left over in the last character the library refuses itself. */
function isMessage(text: string, kind: keyof typeof OPAQUE_BYTES): boolean {
  return text.length === Math.ceil(OPAQUE_BYTES[kind] * 4 / 3) && /^[A-Za-z0-9_-]+$/.test(text);
}

function check(text: string, kind: keyof typeof OPAQUE_BYTES): void {
  if (!isMessage(text, kind)) throw new QightError("bad_frame", `This is no ${names[kind]} of OPAQUE`);
}

const names: Readonly<Record<keyof typeof OPAQUE_BYTES, string>> = {
  registrationRequest: "RegistrationRequest",
  registrationResponse: "RegistrationResponse",
  record: "RegistrationRecord",
  ke1: "KE1",
  ke2: "KE2",
  ke3: "KE3",
};

/** The library throws plain errors for bytes that are no points or scalars; a trap in it is ours to report as it is. */
function said<T>(ask: () => T): T {
  try {
    return ask();
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown instanceof WebAssembly.RuntimeError) throw thrown;
    throw new QightError("bad_frame", "A message of OPAQUE is malformed", { cause: thrown });
  }
}
