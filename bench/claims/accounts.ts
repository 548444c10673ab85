/**
 * Claims about accounts and devices: a login takes at most a second on one core, 100 a second do not hurt push, a message to
 * five devices is stored once, and what a link costs without history (with it: `history_move.ts`).
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import { end, Folder, must, person, qight, run, script, works } from "../../tests/prove/processes.ts";
import { LineReader } from "../../tests/prove/lines.ts";
import type { RelayProcess } from "../../tests/prove/relay_process.ts";
import type { Counted } from "../closed_loop.ts";
import { type Figure, median, medianFigure, rounded } from "../figure.ts";
import { load, selfCheck } from "../load/spawn.ts";
import { type Bench, repeated, withRelay } from "./claim.ts";
import { linkMoving } from "./history_move.ts";

const NAMES = { QIGHT_CFG__AUTH__MODE: "account", QIGHT_CFG__LIMITS__LOGINS_PER_IP_PER_HOUR: "0" };
/** Logins through the command line and through the library; the first is not counted. */
const LOGINS = 11;
const RATES = { pushes: 1000, logins: 100 };
const MESSAGES = 500;

interface Pushed {
  readonly arrived: number;
  readonly sent: number;
  readonly p99: number;
}

interface PacedLogins {
  readonly logins: number;
  readonly perSecond: number;
  readonly p99: number;
}

interface FiveDevices {
  readonly payloads: number;
  readonly mailboxRows: number;
  readonly p50: number;
  readonly p99: number;
}

/** Each part on relays of its own; `rates` are those of push and logins beside each other, a second. */
export async function* accounts(bench: Bench, rates = RATES): AsyncIterable<Figure> {
  const oneCore = await works("taskset", "-c", "0", "true");
  const details = { one_core: oneCore, argon2id: "64 MiB, 3 passes, 4 lanes" };
  yield await withRelay(({ address }) => loginCommand(address, details), NAMES);
  const [, ...library] = await withRelay(({ address }) => loginLibrary(address, oneCore), NAMES);
  yield medianFigure("login_client_ms", "ms", library, details);
  for (const [task, figure] of [["standing", "logins_per_s"], ["dialled", "logins_dialled_per_s"]]) {
    const runs = await repeated(
      bench.runs,
      () => withRelay(({ address }) => load<Counted>("logins", task, address, bench.folder, bench.seconds), NAMES),
    );
    yield medianFigure(figure, "1/s", runs.map(({ perSecond }) => perSecond), { stretching: "none to speak of" });
  }
  yield* pushUnderLogins(bench, rates);
  const five = await repeated(
    bench.runs,
    () =>
      withRelay(({ address, dataDir }) => load<FiveDevices>("five_devices", address, `${dataDir}/relay.db`, MESSAGES)),
  );
  for (const { payloads, mailboxRows } of five) {
    selfCheck(
      payloads === 1 && mailboxRows === 5,
      `a message left ${payloads} payloads and ${mailboxRows} mailbox rows`,
    );
  }
  yield medianFigure("five_devices_payload", "rows", five.map(({ payloads }) => payloads), { mailbox_rows: 5 });
  yield medianFigure("five_devices_accepted_p50_ms", "ms", five.map(({ p50 }) => p50), { messages: MESSAGES });
  yield medianFigure("five_devices_accepted_p99_ms", "ms", five.map(({ p99 }) => p99), { messages: MESSAGES });
  const links = await repeated(bench.runs, () => withRelay(({ address }) => linkMoving(address, 0)));
  yield medianFigure("link_ms", "ms", links.map(({ linkS }) => linkS * 1000), { lines: 0 });
}

/** The real command, from its start to its exit. */
async function loginCommand(address: string, details: { one_core: boolean }): Promise<Figure> {
  using folder = new Folder();
  const ada = person(folder.path, address);
  const [right, wrong, codes] = ["right", "wrong", "codes"].map((name) => `${folder.path}/${name}.txt`);
  await Deno.writeTextFile(right, "correct horse\n");
  await Deno.writeTextFile(wrong, "battery staple\n");
  const registered = ["account", "register", "ada", "--no-passphrase", "--password-file", right, "--codes-file", codes];
  await must(qight(...registered), { env: ada });
  const refused = await run(qight("account", "login", "ada", "--password-file", wrong), { env: ada });
  selfCheck(refused.code === 77, `a wrong password ended with ${refused.code}: ${refused.stderr}`);
  const times: number[] = [];
  for (let time = 0; time <= LOGINS; time++) {
    await must(qight("account", "logout"), { env: ada });
    const [command, ...args] = pinned(details.one_core, qight("account", "login", "ada", "--password-file", right));
    const began = performance.now();
    const said = await run(args, { env: ada, command });
    if (time > 0) times.push(performance.now() - began);
    selfCheck(said.code === 0, `the login ended with ${said.code}: ${said.stderr}`);
  }
  await must(qight("fetch"), { env: ada });
  return medianFigure("login_ms", "ms", times, details);
}

async function loginLibrary(address: string, oneCore: boolean): Promise<number[]> {
  const [command, ...args] = pinned(oneCore, script("bench/load/login.ts", address, String(LOGINS + 1)));
  const said = await run(args, { env: Deno.env.toObject(), command });
  if (said.code !== 0) throw new QightError("internal", `load login failed: ${said.stderr.trim()}`);
  return JSON.parse(said.stdout).ms;
}

/** A command line of Deno, on one core where that can be asked for. */
function pinned(oneCore: boolean, args: string[]): string[] {
  return [...(oneCore ? ["taskset", "-c", "0"] : []), Deno.execPath(), ...args];
}

async function* pushUnderLogins(bench: Bench, rates: typeof RATES): AsyncIterable<Figure> {
  const push = async ({ address }: RelayProcess) => {
    const pushed = await load<Pushed>("push", address, bench.folder, rates.pushes, bench.seconds, "names");
    selfCheck(pushed.arrived === pushed.sent, `${pushed.arrived} of ${pushed.sent} messages arrived`);
    return pushed.p99;
  };
  // Taking turns, so that a machine that changes its pace does so for both.
  const runs = await repeated(bench.runs, async () => ({
    alone: await withRelay(push, NAMES),
    beside: await withRelay((relay) => besideLogins(relay, bench.folder, rates.logins, () => push(relay)), NAMES),
  }));
  const alone = runs.map(({ alone }) => alone), beside = runs.map(({ beside: { value } }) => value);
  yield medianFigure("push_in_account_mode_p99_ms", "ms", alone, { per_second: rates.pushes });
  yield medianFigure("push_p99_under_logins_ms", "ms", beside, {
    per_second: rates.pushes,
    to_without_logins: rounded(median(beside) / median(alone)),
    logins_per_s: runs.map(({ beside: { logins } }) => rounded(logins.perSecond)),
    login_p99_ms: runs.map(({ beside: { logins } }) => rounded(logins.p99)),
  });
}

/** Measures while people sign in, from before it begins until after it has ended. */
async function besideLogins<T>(
  { address }: RelayProcess,
  folder: string,
  rate: number,
  measure: () => Promise<T>,
): Promise<{ value: T; logins: PacedLogins }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: script("bench/load/logins.ts", "paced", address, folder, String(rate)),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = new LineReader(child.stdout);
  try {
    const first = await lines.next();
    selfCheck(first === "ready", `load logins said ${first}`);
    const value = await measure();
    await child.stdin.close();
    const logins = JSON.parse(await lines.next() ?? "null") as PacedLogins | null;
    if (!logins) throw new QightError("internal", "load logins failed");
    const { perSecond } = logins;
    selfCheck(perSecond > rate * 0.95, `only ${rounded(perSecond)} logins a second were made`);
    return { value, logins };
  } finally {
    end(child, "SIGTERM");
    await child.status;
  }
}
