/**
 * A relay on a disk without room: typed refusals, reads and acknowledgements go on, service returns by itself (docs/proof.md).
 * @module
 */
import { RelayClient } from "../../../client/relay_client.ts";
import { equal } from "../../../crypto/equal.ts";
import { QightError } from "../../../proto/errors.ts";
import { type Person, person } from "../../helpers/people.ts";
import { Folder } from "../processes.ts";
import { seeded } from "../random.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { afterCut } from "./after_cut.ts";
import { type Letter, Letters, nowUs } from "./load.ts";
import { missingSmallDisk, SmallDisk } from "./small_disk.ts";

/** The relay's ballast is 16 MiB and it wants half as much beside it, so 8 MiB would be full from the first message on. */
const diskBytes = 40 * 1024 * 1024;
/** How long service may take to return once there is room; the relay looks once a second. */
const returnMs = 10_000;

/** A disk filled by mail, by somebody else, by somebody else to the last byte; room by reading, by deleting, by expiry. */
export const diskFull: Row = {
  name: "disk-full",
  property:
    "on a full disk senders hear storage_full, nothing acknowledged is lost, reads and acknowledgements go on, also " +
    "over a kill, and service returns by itself when there is room",
  rounds: { ci: 1, night: 10 },
  run: prove,
};

async function prove(size: Size): Promise<Finding> {
  const absent = await missingSmallDisk();
  if (absent !== null) return { counts: {}, complaints: [], skipped: absent };
  using folder = new Folder();
  await using disk = await SmallDisk.mount(folder.inside("post/relay"), diskBytes);
  const entry = size.relayEntry ?? { path: "tests/prove/disk/relay_ahead.ts", args: [] };
  await using relay = new RelayProcess(folder.inside("post"), {}, entry);
  const scene = new Scene(relay, disk, seeded(size.seed));
  await relay.start();
  await scene.introduce();
  for (let round = 0; round < size.rounds; round++) {
    await scene.fullOfMail();
    await scene.fullOfOthers();
    await scene.fullToTheLastByte();
    await scene.roomByExpiry();
  }
  const code = await relay.stop();
  if (code !== 0) scene.complaints.push(`the relay ended with ${code}: ${relay.lastWords()}`);
  const { complaints } = await afterCut(`${relay.dataDir}/relay.db`, scene.letters.all, nowUs());
  return {
    counts: {
      accepted: scene.letters.all.filter(({ seq }) => seq > 0).length,
      refused: scene.letters.all.filter(({ refused }) => refused !== "").length,
      acknowledged: scene.letters.all.filter(({ ackedUs }) => ackedUs !== Infinity).length,
      kills: scene.kills,
      returned: scene.returned,
      slowest_return_ms: Math.round(scene.slowestReturnMs),
    },
    complaints: [...scene.complaints, ...complaints],
  };
}

class Scene {
  readonly letters = new Letters();
  readonly complaints: string[] = [];
  kills = 0;
  returned = 0;
  slowestReturnMs = 0;
  readonly #relay: RelayProcess;
  readonly #disk: SmallDisk;
  readonly #chance: () => number;
  #sender!: Person;
  #reader!: Person;

  constructor(relay: RelayProcess, disk: SmallDisk, chance: () => number) {
    this.#relay = relay;
    this.#disk = disk;
    this.#chance = chance;
  }

  async introduce(): Promise<void> {
    [this.#sender, this.#reader] = await Promise.all([person(1, Date.now()), person(2, Date.now())]);
    await using client = await this.#connect(this.#reader);
    await client.publishBundle(this.#reader.bundle.bytes, 0);
  }

  /** Mail itself takes the room, and its reader gives it back. */
  async fullOfMail(): Promise<void> {
    await this.#sendUntilFull("full of mail");
    await this.#repeatIsKnown("full of mail");
    await this.#readAll("full of mail");
    await this.#acknowledgeSome("full of mail", 0.8, true);
    await this.#serviceReturns("after reading");
  }

  /** Somebody else takes the room while the relay is killed and started again. */
  async fullOfOthers(): Promise<void> {
    this.#disk.fill("others");
    await this.#sendUntilFull("filled by others");
    await this.#readAll("filled by others");
    await this.#acknowledgeSome("filled by others", 0.3, true);
    await this.#relay.kill();
    this.kills++;
    await this.#relay.start();
    await this.#sendUntilFull("started on a full disk");
    await this.#readAll("started on a full disk");
    await this.#acknowledgeSome("started on a full disk", 0.3, true);
    this.#disk.empty("others");
    await this.#serviceReturns("after others made room");
  }

  /** They take even what the relay gives up for acknowledgements: those may be refused too, but in words. */
  async fullToTheLastByte(): Promise<void> {
    this.#disk.fill("others");
    await this.#sendUntilFull("filled by others");
    for (let i = 0; i < 3; i++) {
      this.#disk.fill("others");
      await this.#acknowledgeSome("full to the last byte", 0.2, false);
    }
    await this.#readAll("full to the last byte");
    this.#disk.empty("others");
    await this.#serviceReturns("after the last byte");
  }

  /** Nobody reads and nobody deletes: what expires makes room. */
  async roomByExpiry(): Promise<void> {
    await this.#sendUntilFull("full of mail again");
    const nowMoment = nowUs();
    for (const letter of this.letters.all) letter.ackBegunUs = Math.min(letter.ackBegunUs, nowMoment);
    Deno.kill(this.#relay.pid, "SIGUSR2");
    await this.#serviceReturns("after expiry");
  }

  async #sendUntilFull(where: string): Promise<void> {
    await using client = await this.#connect(this.#sender);
    for (let n = 0; n < 2000; n++) {
      const letter = await this.#send(client);
      if (letter.refused === "storage_full") return;
      if (letter.refused !== "") return void this.complaints.push(`${where}: a send was refused as ${letter.refused}`);
    }
    this.complaints.push(`${where}: the disk was never full`);
  }

  /** A retry of an accepted message is told so even when there is no room. */
  async #repeatIsKnown(where: string): Promise<void> {
    await using client = await this.#connect(this.#sender);
    const known = this.letters.all.find(({ seq }) => seq > 0)!;
    try {
      const { seq } = await client.send(known.envelope);
      if (seq !== known.seq) this.complaints.push(`${where}: a repeat of ${known.seq} became ${seq}`);
    } catch (thrown) {
      this.complaints.push(`${where}: a repeat was refused: ${thrown}`);
    }
  }

  async #readAll(where: string): Promise<void> {
    await using client = await this.#connect(this.#reader);
    const found = new Map<number, Uint8Array>();
    for await (const event of client.fetch({ peek: true })) {
      if (event.type === "delivered") found.set(event.seq, event.envelope);
    }
    for (const letter of this.#unread()) {
      const envelope = found.get(letter.seq);
      if (!envelope) this.complaints.push(`${where}: message ${letter.seq} cannot be read`);
      else if (!equal(envelope, letter.envelope)) this.complaints.push(`${where}: message ${letter.seq} has changed`);
    }
  }

  async #acknowledgeSome(where: string, share: number, mustWork: boolean): Promise<void> {
    await using client = await this.#connect(this.#reader);
    let lease: Uint8Array | null = null;
    for await (const event of client.fetch({ max: 1 })) if (event.type === "lease") lease = event.lease;
    const unread = this.#unread();
    const last = unread[Math.max(0, Math.floor(unread.length * share) - 1)];
    if (!lease || !last) return void this.complaints.push(`${where}: there was nothing to acknowledge`);
    try {
      await this.letters.acknowledge(client, lease, this.#reader, last.seq);
    } catch (thrown) {
      const refused = thrown instanceof QightError && thrown.code === "storage_full";
      if (mustWork || !refused) this.complaints.push(`${where}: an acknowledgement was refused: ${thrown}`);
    }
  }

  async #serviceReturns(where: string): Promise<void> {
    await using client = await this.#connect(this.#sender);
    const started = performance.now();
    for (;;) {
      const letter = await this.#send(client);
      const tookMs = performance.now() - started;
      if (letter.refused === "") {
        this.returned++;
        this.slowestReturnMs = Math.max(this.slowestReturnMs, tookMs);
        return;
      }
      if (letter.refused !== "storage_full" || tookMs > returnMs) {
        return void this.complaints.push(`${where}: service did not return (${letter.refused} after ${tookMs} ms)`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Accepted and not acknowledged, in order. */
  #unread(): Letter[] {
    return this.letters.all.filter(({ seq, ackBegunUs }) => seq > 0 && ackBegunUs === Infinity)
      .sort((a, b) => a.seq - b.seq);
  }

  #send(client: RelayClient): Promise<Letter> {
    const payload = crypto.getRandomValues(new Uint8Array(20_000 + Math.floor(this.#chance() * 40_000)));
    return this.letters.send(client, this.#sender, this.#reader, payload);
  }

  #connect({ device }: Person): Promise<RelayClient> {
    return RelayClient.connect(this.#relay.address, { signer: device });
  }
}
