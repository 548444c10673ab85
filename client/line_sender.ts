/**
 * A stream of messages to one account: sealed and kept in batches, many under way at once, reported in input order.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import type { Content } from "../proto/gen/qight/v1/seal_pb.ts";
import { type Clock, pause, type Random } from "./clock.ts";
import type { KeyDirectory } from "./directory.ts";
import type { Author } from "./identity.ts";
import { type AcceptedLine, type Line, newLine, noteAccepted, onTheWire } from "./line.ts";
import { newMessageId } from "./message_id.ts";
import type { Draft } from "./messages.ts";
import type { Outbox, Settled } from "./outbox.ts";
import { Pump } from "./pump.ts";
import { isWorthRetrying, type RelaySource } from "./reconnect.ts";
import type { RelayClient, SendOutcome, SendReceipt } from "./relay_client.ts";
import { isUnknown, settlementOf } from "./send_outcome.ts";
import { watchForStall } from "./stall_watch.ts";
import type { GroupReach } from "./send_room.ts";
import { type Reached, targetOf } from "./send_target.ts";
import { Wire, type WireItem } from "./wire_queue.ts";

/** Settings of `sendLines`. */
export interface LineOptions {
  source: RelaySource;
  outbox: Outbox;
  directory: KeyDirectory;
  author: Author;
  /** Account hash of the recipient, 32 bytes; with `conversation` "group" the group's id. */
  recipient: Uint8Array;
  /** As in a Draft. */
  conversation?: Draft["conversation"];
  /** Needed for a conversation. */
  groups?: GroupReach;
  /** Told once where the lines go, before the first one. */
  onTarget?: (reached: Reached) => void;
  ttlS?: number;
  plaintext?: boolean;
  /** Wait for the relay's signed receipt of each message too. */
  receipts?: boolean;
  /** The relay says nothing for so long, milliseconds: the session counts as lost. */
  stallMs?: number;
  /** Told of the relay's refusal each time before it is waited out. */
  onWait?: (why: QightError) => void;
  clock: Clock;
  random: Random;
}

/** Messages under way at once. */
const WINDOW = 256;
/** Messages sealed and kept in one transaction. */
const BATCH = 64;
/** The relay's keys of the recipient are asked for again after so long. */
const KEYS_FRESH_MS = 10 * 60_000;

/**
 * Sends contents in order and yields pages of accepted ones, in input order. Lost sessions come back by themselves,
 * with the same bytes; a full mailbox is waited for. Throws `unreachable` (69) when no session comes back, or the first
 * refusal that is final; what then has not been sent is forgotten, what may have been stays *held*.
 */
export async function* sendLines(
  options: LineOptions,
  contents: AsyncIterable<Content>,
): AsyncGenerator<AcceptedLine[], void, undefined> {
  const sender = new LineSender(options, contents);
  try {
    yield* sender.run();
  } finally {
    await sender.stop();
  }
}

class LineSender {
  readonly #options: LineOptions;
  readonly #input: Pump<Content>;
  readonly #wire = new Wire<Line>();
  /** In input order, until reported. */
  readonly #lines: Line[] = [];
  readonly #abort = new AbortController();
  #to: Reached | null = null;
  #toAtMs = 0;
  /** One transaction at a time changes what a group's messages are: those that are made, or made anew. */
  #sealing: Promise<unknown> = Promise.resolve();
  #settled: Settled[] = [];
  #failure: QightError | null = null;
  #inputEnded = false;
  #reportable: () => void = () => {};
  #waiters: (() => void)[] = [];
  #working: Promise<unknown> = Promise.resolve();

  constructor(options: LineOptions, contents: AsyncIterable<Content>) {
    this.#options = options;
    this.#input = new Pump(contents, WINDOW);
  }

  async *run(): AsyncGenerator<AcceptedLine[], void, undefined> {
    const relay = await this.#options.source.client(this.#abort.signal);
    await this.#freshTarget(relay);
    this.#options.onTarget?.(this.#to!);
    const work = Promise.all([this.#sealAll(), this.#sendAll(), this.#settleAll()]);
    let over = false;
    this.#working = work.catch((thrown) => {
      this.#failure ??= asQightError(thrown);
      this.#abort.abort(this.#failure);
    }).finally(() => {
      over = true;
      this.#changed();
    });
    for (;;) {
      const changed = new Promise<void>((resolve) => this.#reportable = resolve);
      const page = this.#takeReportable();
      if (page.length > 0) yield page;
      else if (over) break;
      else await changed;
    }
    if (this.#failure) throw this.#failure;
  }

  /** Ends all work; bytes that never went out are forgotten, since nobody was told their ids. */
  async stop(): Promise<void> {
    this.#abort.abort(new QightError("interrupted", "The sender was stopped"));
    this.#wire.end();
    this.#changed();
    // A pipe that stays silent must not hold up the report of a failure.
    this.#input.abandon();
    await this.#working;
    await this.#settle();
    for (const { id, sent } of this.#lines) if (!sent) await this.#options.outbox.discard(id);
  }

  /** Seals what has been read, a batch in one transaction, while there is room in the window. */
  async #sealAll(): Promise<void> {
    for (let contents; (contents = await this.#input.take()) && !this.#stopping;) {
      while (contents.length > 0) {
        // Room for a whole batch, else each line accepted would make a transaction of its own.
        const size = Math.min(BATCH, contents.length);
        await this.#until(() => this.#lines.length + size <= WINDOW);
        if (this.#stopping) return;
        await this.#sealBatch(contents.splice(0, size));
      }
    }
    this.#inputEnded = true;
    if (this.#lines.every(({ left }) => left === 0)) this.#wire.end();
    this.#changed();
  }

  async #sealBatch(contents: readonly Content[]): Promise<void> {
    const { outbox, author, clock, random, ttlS = 0, plaintext = false, conversation } = this.#options;
    const createdAtMs = clock.now();
    const drafts = contents.map((content): Draft => {
      const draft = { id: newMessageId(createdAtMs, random), createdAtMs, ttlS, plaintext, content };
      return conversation ? { ...draft, conversation } : draft;
    });
    await this.#alone(async () => {
      for (const { row, envelopes } of await outbox.freeze(author, this.#to!.to, drafts)) {
        const line = newLine(row.id, envelopes.length);
        this.#lines.push(line);
        for (const made of envelopes) this.#wire.push({ owner: line, ...onTheWire(made, row.group) });
      }
    });
  }

  /** The group has moved on: what the relay has refused or never seen is encrypted anew in its new epoch, in order. */
  async #sealAnew({ device: group }: WireItem<Line>, { epoch = 0 }: QightError): Promise<void> {
    const { outbox, author, groups } = this.#options;
    if (!groups) throw new QightError("invariant", "Lines go to a group that nobody can reach");
    await groups.bringTo(group, epoch);
    await this.#alone(async () => {
      const certain = this.#wire.waiting().filter(({ owner }) => !owner.unsure);
      const anew = await outbox.refreeze(author, group, certain.map(({ owner }) => owner.id));
      this.#wire.replace(new Map(certain.map(({ owner }, at) => [owner, onTheWire(anew[at].envelopes[0], group)])));
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#sealing.then(work);
    this.#sealing = result.catch(() => undefined); // whoever asked has the error
    return result;
  }

  /** One sendMany call after the other until everything is accepted. */
  async #sendAll(): Promise<void> {
    const { source, clock } = this.#options;
    while (!this.#stopping && !(this.#inputEnded && this.#wire.empty)) {
      const relay = await source.client(this.#abort.signal);
      if (clock.monotonic() > this.#toAtMs + KEYS_FRESH_MS) await this.#freshTarget(relay);
      let stale: { item: WireItem<Line>; error: QightError } | null = null;
      try {
        const waitFor = await this.#sendOver(relay);
        if (waitFor?.error.code === "stale_epoch") stale = waitFor;
        else if (waitFor) await this.#waitOut(relay, waitFor);
      } catch (thrown) {
        if (this.#failure || this.#stopping) throw this.#failure ?? thrown;
        const error = asQightError(thrown);
        if (!isUnknown(error) && !isWorthRetrying(error)) throw error;
        relay.close(); // whatever was under way is not known: the same bytes go out again
        await relay.closed;
        if (await source.client(this.#abort.signal) === relay) throw error;
      } finally {
        this.#wire.returnUnanswered();
      }
      if (stale) await this.#sealAnew(stale.item, stale.error);
    }
    if (this.#failure) throw this.#failure;
  }

  /** Sends and takes answers until all is accepted (null), or until the relay asks to wait (the item it refused). */
  async #sendOver(relay: RelayClient): Promise<{ item: WireItem<Line>; error: QightError } | null> {
    let refusal: { item: WireItem<Line>; error: QightError } | null = null;
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#abort.signal]);
    const { clock, stallMs = DEFAULT_STALL_MS } = this.#options;
    const stopWatching = watchForStall(this.#wire, { clock, stallMs, abort });
    try {
      const envelopes = this.#wire.outgoing((line) => line.sent = line.unsure = true);
      const receipt = this.#options.receipts ?? false;
      for await (const outcome of relay.sendMany(envelopes, { signal, receipt })) {
        const item = this.#wire.answered();
        const failed = this.#take(item, outcome);
        if (!failed) continue;
        if (settlementOf(failed).kind === "postponed" && failed.exit === 75) {
          refusal ??= { item, error: failed };
          this.#wire.postpone(item);
        } else this.#failure ??= failed;
        this.#wire.close(); // what is under way is answered still, nothing new goes out
      }
    } finally {
      stopWatching();
    }
    return refusal;
  }

  #take({ owner, device }: Pick<WireItem<Line>, "owner" | "device">, outcome: SendOutcome): QightError | null {
    if (outcome.kind === "failed") {
      const { error } = outcome;
      if (isUnknown(error)) throw error;
      owner.unsure = false;
      if (error.exit === 75) return error;
      owner.refused = true;
      owner.left--;
      this.#settled.push({ id: owner.id, device, outcome: settlementOf(error) });
      return error;
    }
    const { receipt } = outcome;
    if (this.#reachesNobody(receipt)) return this.#take({ owner, device }, { kind: "failed", error: nobodyThere() });
    noteAccepted(owner, device, receipt);
    this.#settled.push({ id: owner.id, device, outcome: { kind: "accepted", receipt } });
    if (owner.left === 0) this.#changed();
    if (this.#inputEnded && this.#wire.empty) this.#wire.close();
    return null;
  }

  /** In a direct conversation whose other side is off the roster; a single message lets them in anew (send_group.ts). */
  #reachesNobody({ members }: SendReceipt): boolean {
    const { conversation, recipient, author } = this.#options;
    return members?.length === 0 && conversation === "direct" && !equal(recipient, author.bundle.account);
  }

  async #waitOut(relay: RelayClient, { item, error }: { item: WireItem<Line>; error: QightError }): Promise<void> {
    const signal = this.#abort.signal;
    this.#options.onWait?.(error);
    // Which member's mailbox is full only the relay knows; room in a group comes soon or is waited for a little.
    if (error.code === "queue_full" && !("group" in this.#to!.to)) await relay.awaitRoom(item.device, { signal });
    else await pause(this.#options.clock, error.retryAfterMs ?? DEFAULT_RETRY_MS, signal);
  }

  /** Forgets accepted lines in the outbox: a batch in one transaction, fewer when nothing is under way. */
  async #settleAll(): Promise<void> {
    while (!this.#stopping && !(this.#inputEnded && this.#lines.length === 0)) {
      await this.#until(() =>
        this.#settled.length >= BATCH || (this.#settled.length > 0 && this.#wire.empty) ||
        (this.#inputEnded && this.#lines.length === 0)
      );
      await this.#settle();
    }
  }

  async #settle(): Promise<void> {
    const settled = this.#settled;
    this.#settled = [];
    if (settled.length > 0) await this.#options.outbox.settle(settled, false);
  }

  #takeReportable(): AcceptedLine[] {
    let count = 0;
    while (count < this.#lines.length && this.#lines[count].left === 0) count++;
    const done = this.#lines.splice(0, count).filter(({ refused }) => !refused);
    if (count > 0) this.#changed();
    return done.map(({ id, receipts, missed }) => ({ id, receipts, missed }));
  }

  /** A conversation stays the one it is; whose devices are whose may change. */
  async #freshTarget(relay: RelayClient): Promise<void> {
    const { recipient, conversation, clock } = this.#options;
    const known = this.#to?.to;
    if (!known) this.#to = await targetOf({ ...this.#options, relay }, recipient, conversation ?? null);
    else if (!("group" in known)) this.#to = await targetOf({ ...this.#options, relay }, recipient, null);
    this.#toAtMs = clock.monotonic();
  }

  get #stopping(): boolean {
    return this.#abort.signal.aborted || this.#failure !== null;
  }

  /** Waits until something changed that makes the condition true, or until the end. */
  async #until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.#stopping) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#waiters.splice(0)) wake();
    this.#reportable();
  }
}

function nobodyThere(): QightError {
  return new QightError("no_such_recipient", "The relay delivers nothing to the other side of this conversation", {
    hint: "Send one message without --lines: it lets them in anew.",
  });
}

const DEFAULT_RETRY_MS = 500;
const DEFAULT_STALL_MS = 10_000;
