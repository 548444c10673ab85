/**
 * A machine that comes into an account is killed on the way, or the one that lets it in: the same commands again bring it to
 * its end, and nothing that was there before is lost.
 * @module
 */
import { openKeyFile } from "../../../client/storage/key_file.ts";
import { Person, type Running } from "../../commands/harness.ts";
import { after } from "../lifecycle/crowd.ts";
import { Folder } from "../processes.ts";
import { seeded } from "../random.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";

/** Rounds are kills, each of an account of its own. */
export const newcomerKilled: Row = {
  name: "newcomer-killed",
  property:
    "kill -9 of a machine that links or recovers, or lets one in: done again it is in, with contacts, mail and " +
    "the key that it had",
  rounds: { ci: 6, night: 60 },
  run: prove,
};

const VICTIMS = ["new end", "recovery", "old end"] as const;
/** What matters a command does within so many milliseconds of its first words. */
const BUSY_MS: Readonly<Record<typeof VICTIMS[number], number>> = { "new end": 500, recovery: 150, "old end": 500 };
/** An address may have 16 link codes open, and try 20 recoveries an hour: a relay that starts has forgotten them. */
const ROUNDS_A_START = 6;

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  using folder = new Folder();
  await using relay = new RelayProcess(folder.inside("post"), {}, size.relayEntry);
  await relay.start();
  const broken: string[] = [];
  const struck = new Map<string, number>();
  let late = 0;
  for (let round = 0; round < size.rounds && broken.length === 0; round++) {
    if (round > 0 && round % ROUNDS_A_START === 0) {
      await relay.stop();
      await relay.start();
    }
    const victim = VICTIMS[round % VICTIMS.length];
    const scene = await Scene.begin(folder.inside(`round-${round}`), relay.address);
    const waitMs = random() * BUSY_MS[victim];
    const code = victim === "recovery"
      ? await scene.killedRecovery(waitMs)
      : await scene.killedLink(victim === "new end" ? "fresh" : "old", waitMs);
    if (code === 137) struck.set(victim, (struck.get(victim) ?? 0) + 1);
    else if (code === 0) late++;
    else broken.push(`round ${round}: the ${victim} ended with ${code} before the kill`);
    const words = victim === "recovery" ? await scene.recoverAgain() : await scene.linkAgain();
    broken.push(...[...words, ...await scene.judge()].map((word) => `round ${round}, ${victim}: ${word}`));
  }
  if (struck.size === 0) broken.push("nobody was struck while at work");
  const kills = Object.fromEntries(VICTIMS.map((victim) => [victim.replace(" ", "_"), struck.get(victim) ?? 0]));
  return { counts: { rounds: size.rounds, ...kills, ended_before: late }, complaints: broken };
}

/** An account with a contact, a correspondent, and a machine that has another account. */
class Scene {
  private constructor(
    readonly old: Person,
    readonly fresh: Person,
    readonly bob: Person,
    readonly id: string,
    readonly code: string,
    readonly former: Uint8Array,
  ) {}

  static async begin(folder: string, address: string): Promise<Scene> {
    const people = ["old", "fresh", "bob"].map((name) => {
      Deno.mkdirSync(`${folder}/${name}`);
      return new Person(`${folder}/${name}`, { QIGHT_RELAY: address, QIGHT_TIMEOUT: "60s" });
    });
    const [old, fresh, bob] = people;
    const [id, , bobId] = await Promise.all(people.map((one) => one.ok(["key", "gen", "--no-passphrase"])));
    await bob.ok(["fetch"]);
    await old.ok(["contact", "add", "bob", bobId]);
    const [code] = (await old.ok(["account", "codes"])).split("\n");
    const { secrets } = await openKeyFile(keyPath(fresh), null);
    return new Scene(old, fresh, bob, id, code, secrets.accountSeed);
  }

  /** Kills one end so many milliseconds after the other device was seen; answers how it ended. */
  async killedLink(end: "fresh" | "old", waitMs: number): Promise<number> {
    const { waiting, answering } = await this.#link();
    await answering.seen(/^new device/);
    await after(waitMs);
    const [victim, other] = end === "fresh" ? [waiting, answering] : [answering, waiting];
    kill(victim);
    const code = await victim.ended;
    // What the victim had done the other may bring to its end; else it waits for somebody who does not come.
    await Promise.race([other.ended, after(3_000)]);
    kill(other);
    await other.ended;
    return code;
  }

  async killedRecovery(waitMs: number): Promise<number> {
    const recovering = this.fresh.start(this.#recovery());
    await recovering.seen(/Comes back:/);
    await after(waitMs);
    kill(recovering);
    return await recovering.ended;
  }

  async linkAgain(): Promise<string[]> {
    const { waiting, answering } = await this.#link();
    const old = await answering.ended;
    if (old !== 0) kill(waiting);
    const fresh = await waiting.ended;
    if (old === 0 && fresh === 0) return [];
    return /one of yours already/.test(answering.stderr()) ? [] : [`linked again: ${old}, ${answering.stderr()}`];
  }

  async recoverAgain(): Promise<string[]> {
    const { code, stdout, stderr } = await this.fresh.run(this.#recovery());
    if (code === 0) return stdout.match(/^qrc1/gm)?.length === 8 ? [] : ["recovered again, and shown no codes"];
    return /qight account codes/.test(stderr) ? [] : [`recovered again: ${code}, ${stderr}`];
  }

  /** What must be so once it was done again; sentences about what is not. */
  async judge(): Promise<string[]> {
    const { old, fresh, bob, id } = this;
    for (const one of [old, fresh, old, fresh]) await one.ok(["fetch"]);
    const words: string[] = [];
    const { secrets, account } = await openKeyFile(keyPath(fresh), null);
    if (account.id !== id) words.push("the key file has another account");
    const kept = (secrets.retired ?? []).filter((seed) => seed.toHex() === this.former.toHex()).length;
    if (kept !== 1) words.push(`the former key is there ${kept} times`);
    if (!/^bob /m.test(await fresh.ok(["contact", "list"]))) words.push("the contact is not there");
    await bob.ok(["send", id, "to both"]);
    for (const [name, one] of Object.entries({ old, fresh })) {
      const heard = await one.ok(["fetch"]);
      if (heard.match(/to both/g)?.length !== 1) words.push(`${name} hears ${heard}`);
    }
    return words;
  }

  async #link(): Promise<{ readonly waiting: Running; readonly answering: Running }> {
    const waiting = this.fresh.start(["device", "link", "--no-passphrase", "--json", "-y"]);
    const { code } = JSON.parse((await waiting.line())!);
    return { waiting, answering: this.old.start(["device", "link", ...code.split(" "), "-y"]) };
  }

  #recovery(): string[] {
    const file = this.fresh.file("code", this.code);
    return ["account", "recover", this.id, "--no-passphrase", "--code-file", file, "-y"];
  }
}

/** One that has ended by itself meanwhile stays as it ended. */
function kill(running: Running): void {
  try {
    running.signal("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function keyPath(person: Person): string {
  return person.path("data/qight/identity.key");
}
