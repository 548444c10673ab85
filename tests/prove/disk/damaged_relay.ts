/**
 * Damage as an operator meets it: a relay's own process, its exit code, its words and its files.
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { RelayClient } from "../../../client/relay_client.ts";
import { QightError } from "../../../proto/errors.ts";
import { type Person, person } from "../../helpers/people.ts";
import { Folder } from "../processes.ts";
import { RelayProcess } from "../relay_process.ts";
import { Letters } from "./load.ts";

const letterCount = 12;

/** Three relays that cannot go on, and the same relay after its files were put back. */
export async function damagedRelay(
  chance: () => number,
): Promise<{ counts: Record<string, number>; complaints: string[] }> {
  using folder = new Folder();
  await using relay = new RelayProcess(folder.inside("post"));
  const scene = new Scene(relay, chance);
  await scene.fill();
  await scene.refused(
    "a page of zeros",
    /database (is damaged|disk image is malformed)/,
    (files) => files.get("relay.db")!.fill(0, 4096, 8192),
  );
  await scene.refused("a missing log", /-wal is missing/, (files) => void files.delete("relay.db-wal"), true);
  await scene.endsWhenRead();
  await scene.serves();
  return { counts: { relays_ended_74: scene.ended, relays_restored: scene.restored }, complaints: scene.complaints };
}

class Scene {
  readonly complaints: string[] = [];
  ended = 0;
  restored = 0;
  readonly #relay: RelayProcess;
  readonly #chance: () => number;
  readonly #letters = new Letters();
  #reader!: Person;

  constructor(relay: RelayProcess, chance: () => number) {
    this.#relay = relay;
    this.#chance = chance;
  }

  async fill(): Promise<void> {
    await this.#relay.start();
    const sender = await person(1, Date.now());
    this.#reader = await person(2, Date.now());
    await using reading = await this.#connect();
    await reading.publishBundle(this.#reader.bundle.bytes, 0);
    await using sending = await RelayClient.connect(this.#relay.address, { signer: sender.device });
    for (let i = 0; i < letterCount; i++) {
      const payload = crypto.getRandomValues(new Uint8Array(1000 + Math.floor(this.#chance() * 2000)));
      await this.#letters.send(sending, sender, this.#reader, payload);
    }
  }

  /** The relay does not start on these files, says why, changes nothing, and starts when they are put back. */
  async refused(
    what: string,
    words: RegExp,
    damage: (files: Map<string, Uint8Array>) => void,
    killed = false,
  ): Promise<void> {
    if (killed) await this.#relay.kill();
    else await this.#relay.stop();
    const whole = this.#files();
    const damaged = new Map([...whole].map(([name, bytes]) => [name, bytes.slice()]));
    damage(damaged);
    this.#put(damaged);
    const code = await this.#relay.start().then(() => null, () => this.#relay.endedWithin(10_000));
    if (code === 74) this.ended++;
    else this.complaints.push(`${what}: the relay ended with ${code} instead of 74`);
    if (!words.test(this.#relay.lastWords())) this.complaints.push(`${what} is not named: ${this.#relay.lastWords()}`);
    if (!isDeepStrictEqual(this.#files(), damaged)) {
      this.complaints.push(`${what}: the relay changed the damaged files`);
    }
    if (code === null) await this.#relay.kill();
    this.#put(whole);
    await this.#relay.start();
    await this.serves();
  }

  /** A bit inside a stored message: nobody sees it before it is read; then the relay ends, and the reader gets nothing false. */
  async endsWhenRead(): Promise<void> {
    await this.#relay.stop();
    const whole = this.#files();
    const bytes = whole.get("relay.db")!.slice();
    const victim = this.#letters.all[Math.floor(this.#chance() * letterCount)];
    for (const at of placesOf(bytes, victim.envelope.subarray(200, 232))) bytes[at] ^= 1;
    this.#put(new Map([...whole, ["relay.db", bytes]]));
    await this.#relay.start();
    try {
      await using client = await this.#connect();
      for await (const event of client.fetch({ peek: true })) {
        if (event.type !== "delivered") continue;
        const letter = this.#letters.all.find(({ seq }) => seq === event.seq);
        if (!letter || !isDeepStrictEqual(event.envelope, letter.envelope)) {
          this.complaints.push(`message ${event.seq} was handed out damaged`);
        }
      }
      this.complaints.push("a damaged message was read and nothing was said");
    } catch (thrown) {
      if (!(thrown instanceof QightError)) throw thrown;
    }
    const code = await this.#relay.endedWithin(10_000);
    if (code === 74) this.ended++;
    else this.complaints.push(`a damaged message: the relay ended with ${code} instead of 74`);
    if (code === null) await this.#relay.kill();
    if (!/does not match its checksum/.test(this.#relay.lastWords())) {
      this.complaints.push(`a damaged message is not named: ${this.#relay.lastWords()}`);
    }
    this.#put(whole);
    await this.#relay.start();
  }

  /** Every message is there again. */
  async serves(): Promise<void> {
    await using client = await this.#connect();
    const found = new Map<number, Uint8Array>();
    for await (const event of client.fetch({ peek: true })) {
      if (event.type === "delivered") found.set(event.seq, event.envelope);
    }
    const missing = this.#letters.all.filter(({ seq, envelope }) => !isDeepStrictEqual(found.get(seq), envelope));
    if (missing.length > 0) {
      this.complaints.push(`${missing.length} messages are missing after the files were put back`);
    } else this.restored++;
  }

  #connect(): Promise<RelayClient> {
    return RelayClient.connect(this.#relay.address, { signer: this.#reader.device });
  }

  #files(): Map<string, Uint8Array> {
    const names = ["relay.db", "relay.db-wal"].filter((name) =>
      [...Deno.readDirSync(this.#relay.dataDir)].some((file) => file.name === name)
    );
    return new Map(names.map((name) => [name, Deno.readFileSync(`${this.#relay.dataDir}/${name}`)]));
  }

  #put(files: ReadonlyMap<string, Uint8Array>): void {
    for (const name of this.#files().keys()) if (!files.has(name)) Deno.removeSync(`${this.#relay.dataDir}/${name}`);
    for (const [name, bytes] of files) Deno.writeFileSync(`${this.#relay.dataDir}/${name}`, bytes, { mode: 0o600 });
  }
}

/** Where these bytes lie: in their row, and where a page that was split still holds what moved away. */
function placesOf(bytes: Uint8Array, part: Uint8Array): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(part[0]); at >= 0; at = bytes.indexOf(part[0], at + 1)) {
    if (part.every((byte, i) => bytes[at + i] === byte)) places.push(at);
  }
  if (places.length > 0) return places;
  throw new QightError("internal", "The message was not found in the database file");
}
