/**
 * The part of a page that has to do with groups: notices in their order, messages opened when it is their turn.
 * @module
 */
import type { DeliveryEvent, GroupHint } from "./delivery_events.ts";
import { formatCounterState } from "./gaps.ts";
import { noteLineage, noteNumbers } from "./gap_watch.ts";
import type { GroupInbox, GroupOpened, GroupOpener } from "./group_opener.ts";
import { isMadeHere } from "./groups/made_here.ts";
import type { InboxEvent, Said, Where } from "./inbox_events.ts";
import type { DeliveredEvent, Unsealed } from "./opener.ts";
import type { GroupRow, Tables } from "./storage/store.ts";

/** What opening messages to groups takes. */
export interface GroupReading {
  readonly groups: GroupInbox;
  readonly opener: GroupOpener;
}

type ToGroup = Extract<Unsealed, { kind: "group" }>;

/** The groups' part of one page. Without `reading` nothing of it can be opened. */
export class GroupPage {
  readonly #reading: GroupReading | null;
  readonly #arrivals: readonly DeliveryEvent[];
  readonly #unsealed: ReadonlyMap<DeliveryEvent, Unsealed>;
  readonly #opened = new Map<ToGroup, GroupOpened>();
  /** The last commit that was noticed of each group, by its id. */
  readonly #commits = new Map<string, GroupHint>();

  constructor(
    reading: GroupReading | null,
    arrivals: readonly DeliveryEvent[],
    unsealed: ReadonlyMap<DeliveryEvent, Unsealed>,
  ) {
    this.#reading = reading;
    this.#arrivals = arrivals;
    this.#unsealed = unsealed;
  }

  /** A notice whose turn it is. That an epoch has ended can wait: a message of the next one says the same. */
  async notice(notice: GroupHint | null): Promise<void> {
    if (!notice || !this.#reading) return;
    const name = notice.group.toHex();
    if (notice.kind === "commit") {
      this.#commits.set(name, notice);
      return;
    }
    this.#commits.delete(name);
    await this.#reading.groups.takeNotice(notice);
  }

  /** Opens the message whose turn it is, and with it those behind it that are wanted too: at most `max`. */
  async open(delivery: DeliveredEvent, max: number): Promise<GroupOpened> {
    const opened = this.#unsealed.get(delivery) as ToGroup;
    if (!this.#reading) return { kind: "unreadable", reason: "unknown_content" };
    if (!this.#opened.has(opened)) {
      const batch = this.#from(delivery, max);
      const results = await this.#reading.opener.open(batch);
      batch.forEach((one, at) => this.#opened.set(one, results[at]));
    }
    return this.#opened.get(opened)!;
  }

  /** Takes in the commits that were noticed and that no message has asked for. */
  async finish(): Promise<void> {
    for (const notice of this.#commits.values()) await this.#reading?.groups.takeNotice(notice);
  }

  /** Messages to groups from this one on, up to a notice that must be seen to first. */
  #from(delivery: DeliveredEvent, max: number): ToGroup[] {
    const batch: ToGroup[] = [];
    for (let at = this.#arrivals.indexOf(delivery); at < this.#arrivals.length && batch.length < max; at++) {
      const arrival = this.#arrivals[at];
      if (arrival.type === "notice" && arrival.notice && arrival.notice.kind !== "commit") break;
      const unsealed = this.#unsealed.get(arrival);
      if (unsealed?.kind === "group") batch.push(unsealed);
    }
    return batch;
  }
}

/** Where a message to a group was said; `from` is its sender's account hash. */
export function placeOf({ kind, peer, group, name }: GroupRow, from: Uint8Array): Where {
  return kind === "direct" ? { kind, peer: peer ?? from } : { kind, group, name };
}

/**
 * Inside the page's transaction: notes the numbers of a message to a group. Whoever joins later has no right to the numbers
 * before; they begin with the first that comes, unless this device was there from the start.
 */
export function countInGroup(
  tables: Pick<Tables, "streams" | "meta">,
  said: Pick<Said, "from" | "fromDevice">,
  { row, message }: Extract<GroupOpened, { kind: "opened" }>,
  atMs: number,
): InboxEvent[] {
  const { streams } = tables;
  const { from, fromDevice } = said;
  const { lineage, counter, voidCounters } = message;
  const numbers = [...voidCounters, counter];
  const stream = new Uint8Array([...lineage, ...row.group]);
  const events: InboxEvent[] = [];
  if (streams.get(fromDevice, stream) === null) {
    const anew = streams.knows(fromDevice, row.group);
    if (anew) events.push({ type: "lineage", from, fromDevice });
    noteLineage(streams, fromDevice, stream, from);
    const first = numbers.reduce((least, number) => number < least ? number : least);
    const fromStart = anew || isMadeHere(tables, row);
    if (!fromStart && first > 1n && first <= BigInt(Number.MAX_SAFE_INTEGER)) {
      streams.put(fromDevice, stream, formatCounterState({ upTo: Number(first) - 1, runs: [] }));
    }
  }
  for (const gap of noteNumbers(streams, fromDevice, stream, numbers, atMs)) {
    events.push({ type: "gap", fromDevice, from, ...gap });
  }
  return events;
}
