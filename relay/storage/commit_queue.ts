/**
 * Group commit: what arrives while a commit runs becomes the next batch, and shares its sync.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import type { GroupEnqueued, NewGroupMessage } from "./group_store.ts";
import type { Enqueued, NewMessage } from "./store.ts";
import type { StepResult } from "./sqlite_steps.ts";
import { assertShape, packedSize, packMessages, type Step, unpackOutcomes } from "./sqlite_wire.ts";
import { fromWire } from "./sqlite_failure.ts";

const batchItems = 512;
const batchBytes = 8 * 1024 * 1024;
/** Above these, callers are told to come back: memory stays bounded whatever the disk does. */
const waitingItems = 65_536;
const waitingBytes = 64 * 1024 * 1024;

/** Groups whose number of members is remembered. */
const knownGroups = 10_000;

interface Waiting {
  readonly message?: NewMessage;
  /** With a message to a group: the epoch it was made in. */
  readonly epoch?: number;
  /** Rows that it writes, as far as that is known. */
  readonly weight: number;
  readonly change?: string;
  readonly args?: readonly unknown[];
  readonly bytes: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Applies steps in one synced commit. */
export type Commit = (steps: readonly Step[], transfer: ArrayBuffer[]) => Promise<readonly StepResult[]>;

/** Changes waiting for their commit, in order. */
export class CommitQueue {
  readonly #commit: Commit;
  readonly #onFailure: (error: QightError) => void;
  #waiting: Waiting[] = [];
  #bytes = 0;
  /** What the last message to a group was worth, so that a batch of large groups does not hold up everybody else. */
  readonly #members = new Map<string, number>();
  #running: Promise<void> | null = null;
  #ended: QightError | null = null;

  /** `onFailure` hears the error of a commit as a whole; the queue has ended then. */
  constructor(commit: Commit, onFailure: (error: QightError) => void) {
    this.#commit = commit;
    this.#onFailure = onFailure;
  }

  /** Resolves when the message is on disk, or was not taken. */
  enqueue(message: NewMessage): Promise<Enqueued> {
    assertShape(message);
    return this.#add({ message, bytes: packedSize(message), weight: 1 }) as Promise<Enqueued>;
  }

  /** The same for a message to a group. */
  async fanOut(message: NewGroupMessage): Promise<GroupEnqueued> {
    assertShape(message);
    const { epoch } = message;
    const group = message.recipient.toHex();
    const weight = this.#members.get(group) ?? 1;
    const outcome = await (this.#add({ message, epoch, bytes: packedSize(message), weight }) as Promise<GroupEnqueued>);
    if (outcome.kind === "offered") {
      if (this.#members.size >= knownGroups) this.#members.clear();
      this.#members.set(group, outcome.members.length + 1);
    }
    return outcome;
  }

  /** Resolves with the change's answer when it is on disk. */
  change<T>(change: string, args: readonly unknown[], bytes = 256): Promise<T> {
    return this.#add({ change, args, bytes, weight: 1 }) as Promise<T>;
  }

  /** Refuses what comes from now on, and rejects what waits when `now`. */
  end(reason: QightError, now: boolean): void {
    this.#ended ??= reason;
    if (!now) return;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
    this.#bytes = 0;
  }

  /** Resolves when nothing waits or runs. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  #add(item: Omit<Waiting, "resolve" | "reject">): Promise<unknown> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    if (this.#waiting.length >= waitingItems || this.#bytes + item.bytes > waitingBytes) {
      return Promise.reject(new QightError("busy", "The database has too many changes to write"));
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.push({ ...item, resolve, reject });
    this.#bytes += item.bytes;
    this.#running ??= this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    // One microtask later all calls of this turn are here; more waiting would only add latency.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#runBatch(this.#take());
    this.#running = null;
  }

  #take(): Waiting[] {
    let count = 0, bytes = 0, weight = 0;
    while (count < this.#waiting.length) {
      const next = this.#waiting[count];
      if (count > 0 && (bytes + next.bytes > batchBytes || weight + next.weight > batchItems)) break;
      bytes += next.bytes;
      weight += next.weight;
      count++;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #runBatch(batch: readonly Waiting[]): Promise<void> {
    const groups = groupsOf(batch);
    try {
      const steps = groups.map(stepOf);
      const transfer = steps.flatMap((step) => "packed" in step ? [step.packed] : []);
      const results = await this.#commit(steps, transfer);
      groups.forEach((group, i) => settle(group, results[i]));
    } catch (thrown) {
      const error = thrown instanceof QightError ? thrown : new QightError("internal", undefined, { cause: thrown });
      for (const { reject } of batch) reject(error);
      this.end(error, true);
      this.#onFailure(error);
    }
  }
}

/** Runs of messages stay together, those to groups apart from the others; every other change stands alone. */
function groupsOf(batch: readonly Waiting[]): Waiting[][] {
  const groups: Waiting[][] = [];
  for (const item of batch) {
    const last = groups[groups.length - 1];
    const alike = item.message !== undefined && last?.[0].message !== undefined &&
      (item.epoch === undefined) === (last[0].epoch === undefined);
    if (alike) last.push(item);
    else groups.push([item]);
  }
  return groups;
}

function stepOf(group: readonly Waiting[]): Step {
  const [{ change, args, epoch }] = group;
  if (change !== undefined) return { change, args: args ?? [] };
  const packed = packMessages(group.map(({ message }) => message as NewMessage));
  const step = { packed, count: group.length };
  return epoch === undefined ? step : { ...step, epochs: group.map(({ epoch }) => epoch as number) };
}

function settle(group: readonly Waiting[], result: StepResult): void {
  if ("error" in result) {
    const error = fromWire(result.error);
    for (const { reject } of group) reject(error);
  } else if ("outcomes" in result) {
    const outcomes = unpackOutcomes(result.outcomes);
    group.forEach(({ resolve }, i) => resolve(outcomes[i]));
  } else if ("offered" in result) {
    group.forEach(({ resolve }, i) => resolve(result.offered[i]));
  } else {
    group[0].resolve(result.value);
  }
}
