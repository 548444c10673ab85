/**
 * Load: people who sign in, without stretching (sign_in.ts). `logins.ts standing|dialled ADDRESS FOLDER SECONDS` as fast as
 * 16 can, over connections that are up or with one for each login; `logins.ts paced ADDRESS FOLDER PER_SECOND` at a fixed
 * rate, says `ready` and goes on until its input ends (a process of its own).
 * @module
 */
import { asQightError } from "../../proto/errors.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { closedLoop } from "../closed_loop.ts";
import { percentile } from "../figure.ts";
import { pace } from "../open_loop.ts";
import { inventPeople, type Person, readPeople } from "./people.ts";
import { signIn, signUp } from "./sign_in.ts";
import { selfCheck } from "./spawn.ts";

const [task, address, folder, number] = Deno.args;
/** Enough that a queue of half a second never makes one of them begin five logins at once: the relay keeps four. */
const PEOPLE = task === "paced" ? 64 : 16;

interface Visitor {
  readonly person: Person;
  readonly name: string;
  readonly client: RelayClient;
}

const visitors = await invite();
await refusesWrongPasswords(visitors[0]);
const counted = task === "paced" ? await paced(Number(number)) : await flatOut(Number(number));
await tokensCount(visitors[0]);
for (const { client } of visitors) client.close();
console.log(JSON.stringify(counted));

async function invite(): Promise<Visitor[]> {
  const path = `${folder}/visitors.json`;
  inventPeople(path, PEOPLE - 1);
  const { recipient, senders } = await readPeople(path);
  return await Promise.all([recipient, ...senders].map(async (person, at) => {
    const client = await RelayClient.connect(address, { signer: person.device });
    const name = `visitor.${letter(at >> 3)}${letter(at % 8)}`;
    await signUp(client, person, name);
    return { person, name, client };
  }));
}

/** Digits would not do: `0` looks like `o`, and then a name is taken. */
function letter(number: number): string {
  return "abcdefgh"[number];
}

async function flatOut(seconds: number) {
  const free = [...visitors];
  return await closedLoop(() => async () => {
    const visitor = free.pop()!; // as many as are in flight
    if (task === "standing") await signIn(visitor.client, visitor.name);
    else {
      const client = await RelayClient.connect(address, { signer: visitor.person.device });
      await signIn(client, visitor.name);
      client.close();
    }
    free.push(visitor);
  }, { inFlight: PEOPLE, seconds });
}

async function paced(perSecond: number) {
  let over = false, turn = 0;
  const inputEnd = Deno.stdin.readable.pipeTo(new WritableStream()).then(() => over = true);
  const latencies: number[] = [];
  const under: Promise<void>[] = [];
  console.log("ready");
  const started = performance.now();
  while (!over) {
    await pace(perSecond, perSecond, () => {
      const { client, name } = visitors[turn++ % PEOPLE];
      const began = performance.now();
      under.push(signIn(client, name).then(() => void latencies.push(performance.now() - began)));
    });
  }
  await Promise.all([inputEnd, ...under]);
  const seconds = (performance.now() - started) / 1000;
  return {
    logins: latencies.length,
    perSecond: latencies.length / seconds,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
  };
}

/** What is measured looks at passwords. */
async function refusesWrongPasswords({ client, name }: Visitor): Promise<void> {
  const said = await signIn(client, name, "wrong").then(() => "signed in", (thrown) => asQightError(thrown).code);
  selfCheck(said === "wrong_password", `a wrong password was answered with ${said}`);
}

/** What is measured ends in sessions that count. */
async function tokensCount({ person, name, client }: Visitor): Promise<void> {
  const token = await signIn(client, name);
  await using again = await RelayClient.connect(address, { signer: person.device, token });
  selfCheck((await again.getBundle({ account: person.account.hash })) !== null, "the session is worth nothing");
}
