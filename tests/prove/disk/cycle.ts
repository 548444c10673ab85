/**
 * One life of two messages at a relay: one is read and acknowledged, one expires unread.
 * @module
 */
import { RelayClient } from "../../../client/relay_client.ts";
import { equal } from "../../../crypto/equal.ts";
import { QightError } from "../../../proto/errors.ts";
import { type Person, person } from "../../helpers/people.ts";
import type { RelayProcess } from "../relay_process.ts";
import { Letters, nowUs } from "./load.ts";

const patienceMs = 3000;

/** A sender and a reader who go through the cycle again and again. */
export class Cycle {
  readonly letters = new Letters();
  readonly #relay: RelayProcess;
  readonly #sender: Person;
  readonly #reader: Person;

  private constructor(relay: RelayProcess, sender: Person, reader: Person) {
    this.#relay = relay;
    this.#sender = sender;
    this.#reader = reader;
  }

  /** Makes the two known to the relay. */
  static async begin(relay: RelayProcess): Promise<Cycle> {
    const [sender, reader] = await Promise.all([person(1, Date.now()), person(2, Date.now())]);
    await using client = await RelayClient.connect(relay.address, { signer: reader.device });
    await client.publishBundle(reader.bundle.bytes, 0);
    return new Cycle(relay, sender, reader);
  }

  /** Connects both, so that what comes next is the cycle alone. */
  async session(): Promise<CycleSession> {
    const connect = ({ device }: Person) =>
      RelayClient.connect(this.#relay.address, { signer: device, timeoutMs: patienceMs });
    const [sending, reading] = await Promise.all([connect(this.#sender), connect(this.#reader)]);
    return new CycleSession(this.#relay, this.letters, this.#sender, this.#reader, sending, reading);
  }
}

/** One pass through the cycle. */
class CycleSession implements Disposable {
  /** Whether a connection broke, so that the relay is expected to end. */
  lost = false;
  readonly #relay: RelayProcess;
  readonly #letters: Letters;
  readonly #sender: Person;
  readonly #reader: Person;
  readonly #sending: RelayClient;
  readonly #reading: RelayClient;

  constructor(
    relay: RelayProcess,
    letters: Letters,
    sender: Person,
    reader: Person,
    sending: RelayClient,
    reading: RelayClient,
  ) {
    this.#relay = relay;
    this.#letters = letters;
    this.#sender = sender;
    this.#reader = reader;
    this.#sending = sending;
    this.#reading = reading;
  }

  /** Sends two, fetches, acknowledges the first of them, lets the second expire; answers `step: code` of what was refused. */
  async run(): Promise<string[]> {
    const refusals: string[] = [];
    const sent = [
      await this.#letters.send(this.#sending, this.#sender, this.#reader, payload(2000)),
      // Over many pages, so that a fault finds a commit half written.
      await this.#letters.send(this.#sending, this.#sender, this.#reader, payload(30_000)),
    ];
    for (const { refused } of sent) if (refused !== "") this.#note(refusals, "send", refused);
    await this.#step(refusals, "fetch and acknowledge", async () => {
      let lease: Uint8Array | null = null;
      const found = new Map<number, Uint8Array>();
      for await (const event of this.#reading.fetch()) {
        if (event.type === "lease") lease = event.lease;
        if (event.type === "delivered") found.set(event.seq, event.envelope);
      }
      for (const { seq, envelope } of sent) {
        if (seq > 0 && !(found.has(seq) && equal(found.get(seq)!, envelope))) {
          refusals.push(`fetch: message ${seq} is not there`);
        }
      }
      if (lease && sent[0].seq > 0) await this.#letters.acknowledge(this.#reading, lease, this.#reader, sent[0].seq);
    });
    await this.#step(refusals, "expire", () => this.#expire());
    return refusals;
  }

  /** Eight days pass; resolves when the relay has collected what expired, or its connections are gone. */
  async #expire(): Promise<void> {
    const nowMoment = nowUs();
    for (const letter of this.#letters.of(this.#reader)) letter.ackBegunUs = Math.min(letter.ackBegunUs, nowMoment);
    const gone = Promise.race([this.#reading.closed, this.#sending.closed]).then(() => "gone" as const);
    Deno.kill(this.#relay.pid, "SIGUSR2");
    for (const deadline = performance.now() + patienceMs; performance.now() < deadline;) {
      const state = await Promise.race([gone, this.#relay.holds().catch(() => "gone" as const)]);
      if (state === 0) return;
      if (state === "gone") throw new QightError("unreachable", "The relay went away");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new QightError("storage_full", "The relay did not collect what expired");
  }

  async #step(refusals: string[], name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      if (!(thrown instanceof QightError)) throw thrown;
      this.#note(refusals, name, thrown.code);
    }
  }

  #note(refusals: string[], step: string, code: string): void {
    refusals.push(`${step}: ${code}`);
    if (code !== "storage_full") this.lost = true;
  }

  [Symbol.dispose](): void {
    this.#sending.close();
    this.#reading.close();
  }
}

function payload(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(bytes));
}
