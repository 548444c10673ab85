/**
 * Claim: a new device is linked and has 10,000 lines of history in less than a minute.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import { decodeIdentity } from "../../crypto/identity_bytes.ts";
import { openVault } from "../../crypto/vault.ts";
import { conversationWith } from "../../client/conversations.ts";
import { type ImportedLine, importLines } from "../../client/history_import.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import type { ClientStore } from "../../client/storage/store.ts";
import { Folder, must, person, qight, run } from "../../tests/prove/processes.ts";
import { type Figure, medianFigure, rounded } from "../figure.ts";
import { selfCheck } from "../load/spawn.ts";
import { type Bench, repeated, withRelay } from "./claim.ts";

const LINES = 10_000, PEOPLE = 20;

type Env = Record<string, string>;

/** How long a link took. */
export interface Linked {
  /** From the start of `device link` on the new machine until both commands have ended, seconds. */
  readonly linkS: number;
  /** The first `fetch` of the new machine, seconds. */
  readonly fetchS: number;
}

/** The real commands, from `device link` on the new machine until its `fetch` has imported the last line. */
export async function* historyMove({ runs }: Pick<Bench, "runs">, lines = LINES): AsyncIterable<Figure> {
  const all = await repeated(runs, () => withRelay(({ address }) => linkMoving(address, lines)));
  yield medianFigure("link_with_history_s", "s", all.map(({ linkS, fetchS }) => linkS + fetchS), {
    lines,
    link_s: all.map(({ linkS }) => rounded(linkS)),
    fetch_s: all.map(({ fetchS }) => rounded(fetchS)),
  });
}

/** Links a new machine to one with so many lines of history; throws unless all of them are there afterwards. */
export async function linkMoving(address: string, lines: number): Promise<Linked> {
  using folder = new Folder();
  const [old, fresh] = ["old", "fresh"].map((name) => person(folder.inside(name), address));
  await must(qight("key", "gen", "--no-passphrase"), { env: old });
  await must(qight("fetch"), { env: old });
  await withStore(old, (store) => importLines(store, history(lines)));
  const began = performance.now();
  const waiting = new Deno.Command(Deno.execPath(), {
    args: qight("device", "link", "--no-passphrase", "--json"),
    env: fresh,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const said = waiting.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const approved = await run(qight("device", "link", "-", "-y"), { env: old, stdin: await codeOf(said) });
  while (!(await said.read()).done);
  await waiting.status;
  selfCheck(approved.code === 0, `device link ended with ${approved.code}: ${approved.stderr}`);
  const linkS = (performance.now() - began) / 1000;
  await must(qight("fetch"), { env: fresh });
  const fetchS = (performance.now() - began) / 1000 - linkS;
  const there = await withStore(fresh, (store) => store.read(({ history }) => history.conversations()));
  const count = there.reduce((sum, { messages }) => sum + messages, 0);
  selfCheck(count === lines, `${count} of ${lines} lines are on the new device`);
  return { linkS, fetchS };
}

/** The code on the first line that the new device prints. */
async function codeOf(output: ReadableStreamDefaultReader<string>): Promise<string> {
  let text = "";
  for (let next; !(next = await output.read()).done;) {
    text += next.value;
    const end = text.indexOf("\n");
    if (end >= 0) return JSON.parse(text.slice(0, end)).code;
  }
  throw new QightError("internal", `The new device printed no code: ${text}`);
}

async function withStore<T>(env: Env, work: (store: ClientStore) => Promise<T>): Promise<T> {
  const home = `${env.XDG_DATA_HOME}/qight`;
  const { device } = decodeIdentity(await openVault(Deno.readTextFileSync(`${home}/identity.key`), null));
  const file = [...Deno.readDirSync(`${home}/stores`)].find(({ name }) => name.endsWith(".db"));
  selfCheck(device !== undefined && file !== undefined, "there is no store");
  await using store = await openSqliteStore({ path: `${home}/stores/${file!.name}`, key: device!.dataKey });
  return await work(store);
}

/** Lines of a few dozen words in conversations that people have at the same time. */
function history(count: number): ImportedLine[] {
  return Array.from({ length: count }, (_, at): ImportedLine => {
    const author = new Uint8Array(32).fill(1 + at % PEOPLE);
    const id = crypto.getRandomValues(new Uint8Array(16));
    const text = Array.from({ length: 5 + at % 30 }, (_, word) => ((at * 31 + word * 17) % 9973).toString(36)).join(
      " ",
    );
    const line = { conversation: conversationWith(author), author, device: author, id, atMs: Date.now() - 1e6 + at };
    const rest = { verified: true, text, files: [], reactions: [], marks: [], edited: false, deleted: false };
    return { ...line, state: "read", ...rest };
  });
}
