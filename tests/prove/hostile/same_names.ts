/**
 * C8 by the clock: a login with a name that nobody has takes as long, and is as long, as with a known one.
 * @module
 */
import { RelayClient } from "../../../client/relay_client.ts";
import { beginLogin, beginRegistration } from "../../../crypto/opaque.ts";
import { person } from "../../helpers/people.ts";
import { calls, recordFor } from "../../helpers/signing_in.ts";
import { Folder } from "../processes.ts";
import { seeded } from "../random.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { quartiles, rankScore } from "./ranks.ts";

/** Rounds are logins with known names, and as many with others. */
export const sameNames: Row = {
  name: "same-names",
  property: "a login with a name that nobody has takes as long as with a known one, and is answered with as many bytes",
  rounds: { ci: 100, night: 500 },
  run: prove,
};

/** Standard deviations that count as a difference; it must also show a second time, with other names. */
const DIFFERENT = 4;
/** Tries of one name that do not have to wait. */
const TRIES = 10;

async function prove(size: Size): Promise<Finding> {
  using folder = new Folder();
  const settings = { QIGHT_CFG__AUTH__MODE: "account", QIGHT_CFG__LIMITS__LOGINS_PER_IP_PER_HOUR: "0" };
  await using relay = new RelayProcess(folder.inside("post"), settings, size.relayEntry);
  await relay.start();
  const names = Math.ceil(size.rounds / TRIES);
  // Twice as many, and one to warm up with.
  await registerNames(relay.address, 2 * names + 1);
  await using client = await RelayClient.connect(relay.address, { signer: (await person(255, Date.now())).device });
  const random = seeded(size.seed);
  const lengths = new Set<number>();

  const timed = async (name: string) => {
    const { request } = await beginLogin("a guess");
    const began = performance.now();
    const { login, response } = await client.rpc.unary(calls.loginStart, { name, request });
    const took = performance.now() - began;
    lengths.add(login.length + response.length);
    return took;
  };
  const compare = async (first: number) => {
    const times: { known: number[]; nobody: number[] } = { known: [], nobody: [] };
    for (let n = 0; n < names * TRIES; n++) {
      const number = first + Math.floor(n / TRIES);
      // Which one goes first is left to chance, so that what the machine does strikes both alike.
      const order = random() < 0.5 ? ["known", "nobody"] as const : ["nobody", "known"] as const;
      for (const which of order) times[which].push(await timed(`${which}.${number}`));
    }
    return { ...times, score: rankScore(times.known, times.nobody) };
  };

  for (let n = 0; n < TRIES; n++) await Promise.all([timed(`known.${2 * names}`), timed(`nobody.${2 * names}`)]);
  const first = await compare(0);
  const complaints: string[] = [];
  let shown = first;
  if (Math.abs(first.score) >= DIFFERENT) {
    const second = shown = await compare(names);
    if (Math.abs(second.score) >= DIFFERENT && second.score * first.score > 0) {
      complaints.push(`told apart by their times: scores ${first.score.toFixed(1)} and ${second.score.toFixed(1)}`);
    }
  }
  if (lengths.size !== 1) complaints.push(`answers of ${[...lengths].join(" and ")} bytes`);
  return {
    counts: {
      times_each: names * TRIES,
      known_ms_quartiles: quartiles(shown.known),
      nobody_ms_quartiles: quartiles(shown.nobody),
      score: shown.score.toFixed(1),
    },
    complaints,
  };
}

/** One record for all: the relay looks at it only as a login does, and nobody finishes one here. */
async function registerNames(address: string, count: number): Promise<void> {
  let record = "";
  for (let number = 0; number < count; number++) {
    const who = await person(number + 1, Date.now());
    await using client = await RelayClient.connect(address, { signer: who.device });
    const name = `known.${number}`;
    if (record === "") record = await recordFor(client, name, "correct horse");
    else {
      const { request } = await beginRegistration("correct horse");
      await client.rpc.unary(calls.registerStart, { name, request });
    }
    await client.rpc.unary(calls.registerFinish, { name, record, bundle: who.bundle.bytes });
  }
}
