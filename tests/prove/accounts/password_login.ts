/**
 * Passwords at a relay: everybody gets in with their own and nobody with another one; who guesses gets ten tries, then one
 * a minute, told alike for names that nobody has, and does not keep the owner out.
 * @module
 */
import { AccountCalls } from "../../../client/account_calls.ts";
import { OpaqueThread } from "../../../client/opaque_thread.ts";
import { accountFromSeed } from "../../../crypto/account.ts";
import { generateSeed, type Signer, signerFromSeed } from "../../../crypto/ed25519.ts";
import { asQightError, QightError } from "../../../proto/errors.ts";
import { median } from "../hostile/ranks.ts";
import { Folder } from "../processes.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { connectAs, parties } from "./account_connection.ts";
import { accountRelay } from "./account_killed.ts";
import { listOf } from "./account_life.ts";
import { lightLogin, lightRecord } from "./light_password.ts";

/** Rounds are guesses at one name, and as many at a name that nobody has. */
export const passwordLogin: Row = {
  name: "password-login",
  property:
    "50 people sign in with their own password alone; who guesses gets ten tries and then one a minute, alike for names " +
    "that nobody has, and the owner still gets in",
  rounds: { ci: 100, night: 1000 },
  run: prove,
};

const PEOPLE = 50;
/** So many of them stretch their passwords as people do; the relay cannot tell, and the row would take minutes. */
const STRETCHED = 3;
const FREE_TRIES = 10;
const FIRST_WAIT_MS = 60_000;
/** Default of limits.logins_per_ip_per_hour. */
const TRIES_OF_AN_ADDRESS = 30;

interface Someone {
  readonly name: string;
  readonly password: string;
  readonly device: Signer;
}

async function prove(size: Size): Promise<Finding> {
  using folder = new Folder();
  await using relay = new RelayProcess(folder.inside("post"), accountRelay, size.relayEntry);
  await relay.start();
  const complaints: string[] = [];
  using thread = new OpaqueThread();
  const people: Someone[] = [];
  const stretchedMs: number[] = [];
  for (let n = 0; n < PEOPLE; n++) people.push(await register(relay.address, n, n < STRETCHED ? thread : null));
  let signedIn = 0;
  for (const [n, one] of people.entries()) {
    await using client = await connectAs(relay.address, one.device);
    const calls = new AccountCalls(client.relay.rpc);
    const began = performance.now();
    const token = n < STRETCHED
      ? await stretchedLogin(calls, parties(client.relay, one.name), one.password, thread)
      : await signIn(calls, parties(client.relay, one.name), one.password);
    if (n < STRETCHED) stretchedMs.push(performance.now() - began);
    if (token === null) complaints.push(`${one.name} did not get in with the right password`);
    else {
      await using again = await connectAs(relay.address, one.device, token);
      const { name } = await new AccountCalls(again.relay.rpc).show();
      if (name === one.name) signedIn++;
      else complaints.push(`${one.name} was signed in as ${name}`);
    }
    const neighbour = people[(n + 1) % PEOPLE];
    const wrong = await lightLogin(calls, parties(client.relay, one.name), neighbour.password);
    if (wrong.finish !== null) complaints.push(`the password of ${neighbour.name} opens ${one.name}`);
  }

  const [victim] = people;
  const known = await guesses(relay.address, victim.name, size.rounds);
  const nobody = await guesses(relay.address, "nobody.at.all", size.rounds);
  for (const [whose, { answered, waits, minutes }] of [["a known", known], ["an unknown", nobody]] as const) {
    // A row that takes longer than a minute meets the tries that waiting gives.
    if (answered < FREE_TRIES || answered > FREE_TRIES + minutes) {
      complaints.push(`${answered} of ${size.rounds} guesses at ${whose} name were looked at`);
    }
    if (waits.some((ms) => ms <= 0 || ms > FIRST_WAIT_MS * 2 ** minutes)) {
      complaints.push(`guesses at ${whose} name were told to wait ${Math.max(...waits)} ms`);
    }
  }
  const ownerAfter = await thread.run("beginLogin", victim.password).then(async () => {
    await using client = await connectAs(relay.address, victim.device);
    const calls = new AccountCalls(client.relay.rpc);
    return await stretchedLogin(calls, parties(client.relay, victim.name), victim.password, thread);
  });
  if (ownerAfter === null) complaints.push("guesses of a stranger kept the owner out");
  const address = await triesOfAnAddress(folder.inside("strict"), size.relayEntry);
  if (address !== TRIES_OF_AN_ADDRESS) complaints.push(`one address had ${address} tries at as many names`);
  return {
    counts: {
      people: PEOPLE,
      signed_in: signedIn,
      stretched_login_ms: Math.round(median(stretchedMs)),
      guesses: 2 * size.rounds,
      looked_at_known: known.answered,
      looked_at_nobody: nobody.answered,
      tries_of_an_address: address,
    },
    complaints,
  };
}

async function register(address: string, n: number, thread: OpaqueThread | null): Promise<Someone> {
  const one = { name: `person-${n}`, password: `horse ${n}`, device: await signerFromSeed(generateSeed()) };
  const account = await accountFromSeed(generateSeed());
  await using client = await connectAs(address, one.device);
  const calls = new AccountCalls(client.relay.rpc);
  const of = parties(client.relay, one.name);
  const ask = (request: string) => calls.registerStart(one.name, request);
  const stretched = async () => {
    const { state, request } = await thread!.run("beginRegistration", one.password);
    return await thread!.run("finishRegistration", one.password, state, of, await ask(request));
  };
  const record = thread ? await stretched() : await lightRecord(one.password, of, ask);
  const bundle = await listOf({ account }, [one.device], 1, false);
  await calls.registerFinish({ name: one.name, record, bundle: bundle.bytes });
  return one;
}

type Parties = ReturnType<typeof parties>;

async function signIn(calls: AccountCalls, of: Parties, password: string): Promise<string | null> {
  const { login, finish } = await lightLogin(calls, of, password);
  return finish === null ? null : (await calls.loginFinish(login, finish)).token;
}

async function stretchedLogin(
  calls: AccountCalls,
  of: Parties,
  password: string,
  thread: OpaqueThread,
): Promise<string | null> {
  const { state, request } = await thread.run("beginLogin", password);
  const { login, response } = await calls.loginStart(of.name, request);
  const finish = await thread.run("finishLogin", password, state, of, response);
  return finish === null ? null : (await calls.loginFinish(login, finish)).token;
}

/** A stranger guesses as fast as it goes; `answered` were looked at, the others were told how long to wait. */
async function guesses(address: string, name: string, count: number) {
  const began = performance.now();
  const device = await signerFromSeed(generateSeed());
  await using client = await connectAs(address, device);
  const calls = new AccountCalls(client.relay.rpc);
  const waits: number[] = [];
  let answered = 0;
  for (let n = 0; n < count; n++) {
    const waitMs = await tried(calls, parties(client.relay, name), `guess ${n}`);
    if (waitMs === null) answered++;
    else waits.push(waitMs);
  }
  return { answered, waits, minutes: Math.floor((performance.now() - began) / FIRST_WAIT_MS) };
}

/** Null when the guess was looked at, else how long the next one has to wait. */
async function tried(calls: AccountCalls, of: Parties, guess: string): Promise<number | null> {
  try {
    const { finish } = await lightLogin(calls, of, guess);
    if (finish !== null) throw new QightError("internal", "A guess opened");
    return null;
  } catch (thrown) {
    const { code, retryAfterMs } = asQightError(thrown);
    if (code !== "wrong_password") throw thrown;
    return retryAfterMs ?? 0;
  }
}

/** With the default limits: how many tries one address has, each at another name. */
async function triesOfAnAddress(home: string, entry: Size["relayEntry"]): Promise<number> {
  await using relay = new RelayProcess(home, { QIGHT_CFG__AUTH__MODE: "account" }, entry);
  await relay.start();
  let answered = 0;
  for (let n = 0; n < TRIES_OF_AN_ADDRESS + 10; n++) {
    // Each over a connection and with a device of its own.
    await using client = await connectAs(relay.address, await signerFromSeed(generateSeed()));
    const waitMs = await tried(new AccountCalls(client.relay.rpc), parties(client.relay, `name-${n}`), "guess");
    if (waitMs === null) answered++;
  }
  return answered;
}
