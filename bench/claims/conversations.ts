/**
 * Claims about conversations: a group of 250, sealing and opening against bare ts-mls, catching up, `send` against
 * `send --sealed`.
 * @module
 */
import { Folder, must, person, qight, run } from "../../tests/prove/processes.ts";
import { type Figure, median, medianFigure, rounded } from "../figure.ts";
import { load, selfCheck } from "../load/spawn.ts";
import { type Bench, repeated, withRelay } from "./claim.ts";

/** Messages of one run of sealing and opening, and into the large group. */
const SEALED = 2_000, TO_ALL = 100;
/** What somebody finds who was away. */
const QUEUED = 10_000, EPOCHS = 200;
const MEMBERS = 250;
/** Starts of each command; the first is not counted. */
const STARTS = 11;

interface Sealing {
  readonly seal: number;
  readonly open: number;
  readonly bareSeal: number;
  readonly bareOpen: number;
}

interface Large {
  readonly makeS: number;
  readonly joinS: number;
  readonly p50: number;
  readonly p99: number;
}

interface Away {
  readonly sendS: number;
  readonly readS: number;
  readonly moreMb: number;
}

/** Each part on its own relay; the group of 250 is made once, because its people take longer to make than it does. */
export async function* conversations(bench: Bench): AsyncIterable<Figure> {
  const sealings = await repeated(bench.runs, () => load<Sealing>("mls", SEALED));
  const ratio = (one: (sealing: Sealing) => number) => rounded(median(sealings.map(one)));
  yield medianFigure("group_seal_per_s", "1/s", sealings.map(({ seal }) => seal), {
    suite: 83,
    to_bare_ts_mls: ratio(({ seal, bareSeal }) => seal / bareSeal),
  });
  yield medianFigure("group_open_per_s", "1/s", sealings.map(({ open }) => open), {
    suite: 83,
    to_bare_ts_mls: ratio(({ open, bareOpen }) => open / bareOpen),
  });

  const large = await withRelay(({ address }) => load<Large>("group", "large", address, MEMBERS, TO_ALL));
  yield medianFigure("group_of_250_made_s", "s", [large.makeS], { members: MEMBERS });
  yield medianFigure("group_of_250_joined_s", "s", [large.joinS], { members: MEMBERS });
  yield medianFigure("group_of_250_accepted_p50_ms", "ms", [large.p50], { messages: TO_ALL });
  yield medianFigure("group_of_250_accepted_p99_ms", "ms", [large.p99], { messages: TO_ALL });

  const away = await withRelay(({ address }) => load<Away>("group", "away", address, QUEUED, EPOCHS));
  yield medianFigure("group_catch_up_s", "s", [away.readS], { messages: QUEUED, epochs: EPOCHS });
  yield medianFigure("group_catch_up_more_mb", "MB", [away.moreMb], { messages: QUEUED, epochs: EPOCHS });

  yield* await withRelay(({ address }) => commands(address));
}

/** Wall time of `send` in an existing conversation and sealed, taking turns. */
async function commands(address: string): Promise<Figure[]> {
  using folder = new Folder();
  const [ada, bob] = ["ada", "bob"].map((name) => person(folder.inside(name), address));
  await must(qight("key", "gen", "--no-passphrase"), { env: ada });
  const to = await must(qight("key", "gen", "--no-passphrase"), { env: bob });
  const calls: Record<string, string[]> = {
    send_in_conversation_ms: qight("send", to, "hello", "--json"),
    send_sealed_ms: qight("send", to, "hello", "--json", "--sealed"),
  };
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(calls).map((name) => [name, []]));
  for (let start = 0; start <= STARTS; start++) {
    for (const [name, args] of Object.entries(calls)) {
      const began = performance.now();
      const said = await run(args, { env: ada });
      const took = performance.now() - began;
      selfCheck(said.code === 0, `${name} ended with ${said.code}: ${said.stderr}`);
      const { via } = JSON.parse(said.stdout);
      selfCheck(via === (args.includes("--sealed") ? "sealed" : "mls"), `${name} went ${via}`);
      if (start > 0) times[name].push(took);
    }
  }
  const { send_in_conversation_ms: conversation, send_sealed_ms: sealed } = times;
  return [
    medianFigure("send_in_conversation_ms", "ms", conversation, {
      to_sealed: rounded(median(conversation) / median(sealed)),
    }),
    medianFigure("send_sealed_ms", "ms", sealed),
  ];
}
