/**
 * Announces the relay on the local network by mDNS: claims a name, answers who asks, and says goodbye at the end.
 * A hint for people who look for a relay; nothing else in the relay depends on it.
 * @module
 */
import type { DnsPacket } from "../net/mdns/packet.ts";
import { type Announced, asksFor, instanceName, otherOwner, recordsOf } from "../net/mdns/service.ts";
import type { Multicast } from "../net/mdns.ts";
import type { Log } from "./log.ts";

/** What is announced, asked again whenever interfaces change; null when there is nothing that others could reach. */
export type DescribeRelay = () => Omit<Announced, "name"> | null;

/** Time and chance of an announcement, handed in so that tests turn them; milliseconds. */
export interface AnnouncementClock {
  monotonic(): number;
  /** Runs once after `ms`; the returned function cancels. */
  after(ms: number, run: () => void): () => void;
  /** From 0 to 1. */
  random(): number;
}

/** How to announce. */
export interface AnnouncementOptions {
  /** The name to begin with; a number is added when somebody else has it. */
  readonly name: string;
  readonly describe: DescribeRelay;
  readonly log: Pick<Log, "info" | "warn" | "debug">;
  /** Opens the sockets; rejects when there are none to be had. */
  readonly open: (onPacket: (packet: DnsPacket) => void) => Promise<Multicast>;
  readonly clock?: AnnouncementClock;
}

// RFC 6762 §8.1 probes, §8.3 announcements, §6 answers: intervals in milliseconds.
const PROBES = 3;
const PROBE_MS = 250;
const ANNOUNCEMENTS = 2;
const ANNOUNCE_MS = 1000;
const ANSWER_MIN_MS = 20;
const ANSWER_SPREAD_MS = 100;
const BETWEEN_ANSWERS_MS = 1000;
const LOOK_AT_INTERFACES_MS = 5000;
/** Somebody who takes every name that we try must not keep us renaming for ever; what counts is the root key. */
const MAX_RENAMES = 15;

/** An announcement that goes on until it is stopped. It never fails the relay: what goes wrong is one line in the log. */
export class Announcement implements AsyncDisposable {
  readonly #options: AnnouncementOptions;
  readonly #clock: AnnouncementClock;
  readonly #timers = new Set<() => void>();
  readonly #opening: Promise<void>;
  #multicast: Multicast | null = null;
  #state: "probing" | "announced" | "stopped" = "probing";
  #relay: Omit<Announced, "name"> | null;
  #name: string;
  #renames = 0;
  #lastSentMs = -Infinity;
  #answerDue = false;
  #round = 0;

  constructor(options: AnnouncementOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#name = options.name;
    this.#relay = options.describe();
    this.#opening = this.#open();
  }

  /** The name in use. */
  get name(): string {
    return this.#name;
  }

  /** Takes the records back and closes the sockets; idempotent. */
  async stop(): Promise<void> {
    await this.#opening;
    const said = this.#state === "announced";
    this.#state = "stopped";
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    const multicast = this.#multicast;
    this.#multicast = null;
    if (!multicast) return;
    if (said) await this.#send(multicast, { gone: true });
    await multicast[Symbol.asyncDispose]();
  }

  /** Stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #open(): Promise<void> {
    const { open, log } = this.#options;
    try {
      this.#multicast = await open((packet) => this.#hear(packet));
      this.#probe();
      this.#later(LOOK_AT_INTERFACES_MS, () => this.#lookAtInterfaces());
    } catch (thrown) {
      log.warn("mDNS: the relay is not announced", { error: (thrown as Error).message });
    }
  }

  /** Asks whether anybody has the name; who has it answers within the time of the probes. */
  #probe(): void {
    this.#state = "probing";
    const round = ++this.#round;
    const ask = (left: number) => {
      if (round !== this.#round || !this.#relay) return;
      if (left === 0) return this.#announce();
      const instance = instanceName(this.#name);
      const [, srv] = recordsOf(this.#announced());
      this.#transmit({ type: "query", questions: [{ name: instance, type: "ANY" }], authorities: [srv] });
      this.#later(PROBE_MS, () => ask(left - 1));
    };
    this.#later(this.#clock.random() * PROBE_MS, () => ask(PROBES));
  }

  #announce(): void {
    this.#state = "announced";
    this.#options.log.info("announced by mDNS", { name: this.#name });
    const round = this.#round;
    const say = (left: number) => {
      if (round !== this.#round || left === 0) return;
      this.#answer();
      this.#later(ANNOUNCE_MS, () => say(left - 1));
    };
    say(ANNOUNCEMENTS);
  }

  #hear(packet: DnsPacket): void {
    if (!this.#relay || this.#state === "stopped") return;
    const relay = this.#announced();
    if (packet.type === "response") {
      const answers = [...packet.answers ?? [], ...packet.additionals ?? []];
      if (otherOwner(answers, relay) !== null) return this.#rename();
      // Somebody takes our records back: they still hold, so they are said again.
      const takenBack = answers.some((record) =>
        record.type === "PTR" && record.ttl === 0 && isOurs(record.data, relay)
      );
      if (takenBack) this.#answerSoon();
      return;
    }
    if (this.#state === "probing") {
      // Two that begin at once: the greater one has the name (RFC 6762 §8.2; what differs here is the target).
      const other = otherOwner(packet.authorities ?? [], relay);
      if (other !== null && other.toLowerCase() > `${relay.host}.local`) this.#rename();
    } else if (asksFor(packet, relay)) this.#answerSoon();
  }

  #rename(): void {
    if (this.#renames >= MAX_RENAMES) return;
    this.#renames++;
    const before = this.#name;
    this.#name = `${this.#options.name} (${this.#renames + 1})`;
    this.#options.log.info("another relay on this network has the name", { name: before, now: this.#name });
    this.#probe();
  }

  /** Answers of several relays spread over a tenth of a second, and one is not repeated within a second (RFC 6762 §6). */
  #answerSoon(): void {
    if (this.#answerDue) return;
    this.#answerDue = true;
    const rest = this.#lastSentMs + BETWEEN_ANSWERS_MS - this.#clock.monotonic();
    this.#later(Math.max(ANSWER_MIN_MS + this.#clock.random() * ANSWER_SPREAD_MS, rest), () => {
      this.#answerDue = false;
      if (this.#state === "announced") this.#answer();
    });
  }

  #answer(): void {
    this.#lastSentMs = this.#clock.monotonic();
    if (this.#multicast && this.#relay) this.#catching(this.#send(this.#multicast, {}));
  }

  #lookAtInterfaces(): void {
    this.#later(LOOK_AT_INTERFACES_MS, () => this.#lookAtInterfaces());
    this.#catching((async () => {
      const before = JSON.stringify(this.#relay);
      this.#relay = this.#options.describe();
      const changed = await this.#multicast?.refresh();
      if (!this.#relay || !changed && JSON.stringify(this.#relay) === before) return;
      if (this.#state === "announced") this.#announce();
      else if (this.#state === "probing") this.#probe();
    })());
  }

  #announced(): Announced {
    return { ...this.#relay!, name: this.#name };
  }

  async #send(multicast: Multicast, options: { gone?: boolean }): Promise<void> {
    if (this.#relay) await multicast.send({ type: "response", answers: recordsOf(this.#announced(), options) });
  }

  #transmit(packet: DnsPacket): void {
    if (this.#multicast) this.#catching(this.#multicast.send(packet));
  }

  #catching(work: Promise<void>): void {
    work.catch((thrown) => this.#options.log.warn("mDNS: could not be sent", { error: (thrown as Error).message }));
  }

  #later(ms: number, run: () => void): void {
    if (this.#state === "stopped") return;
    const cancel = this.#clock.after(ms, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }
}

function isOurs(instance: unknown, { name }: Announced): boolean {
  return String(instance).toLowerCase() === instanceName(name).toLowerCase();
}

const systemClock: AnnouncementClock = {
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
