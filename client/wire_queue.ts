/**
 * Envelopes on their way over one call after another: which are waiting, which are under way, which must go again.
 * @module
 */
import { QightError } from "../proto/errors.ts";

/** One envelope with whom it belongs to. */
export interface WireItem<T> {
  readonly owner: T;
  /** Recipient's device key. */
  readonly device: Uint8Array;
  /** Serialized SignedEnvelope. */
  readonly envelope: Uint8Array;
  /** Of a message to a group: the epoch it was made in. */
  readonly epoch?: number;
}

interface Numbered<T> extends WireItem<T> {
  readonly place: number;
}

/**
 * The order is that of `push`, also for what goes out again. What was made in another epoch of a group than what is under
 * way waits until that is answered: the relay may have to refuse the earlier ones, and would take the later ones before.
 */
export class Wire<T> {
  #waiting: Numbered<T>[] = [];
  #underWay: Numbered<T>[] = [];
  #postponed: Numbered<T>[] = [];
  #places = 0;
  #open = false;
  /** Which call the waiting ones go out over; a call that broke must not take any more. */
  #call = 0;
  #ended = false;
  #wake: () => void = () => {};
  /** Answers received in all; a standstill shows that nothing comes back. */
  answers = 0;

  /** Nothing waits and nothing is under way. */
  get empty(): boolean {
    return this.#waiting.length + this.#underWay.length + this.#postponed.length === 0;
  }

  /** Envelopes without an answer. */
  get underWay(): number {
    return this.#underWay.length;
  }

  /** Adds an envelope at the end. */
  push(item: WireItem<T>): void {
    this.#waiting.push({ ...item, place: this.#places++ });
    this.#wake();
  }

  /** Nothing new goes out over this call. */
  close(): void {
    this.#open = false;
    this.#wake();
  }

  /** Nothing new will come at all. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** What goes out over this call, as it comes; `onSent` hears of each before it is handed over. */
  async *outgoing(onSent: (owner: T) => void): AsyncGenerator<Uint8Array, void, undefined> {
    const call = ++this.#call;
    this.#open = true;
    const mayGo = () => this.#open && call === this.#call;
    for (;;) {
      while (mayGo() && this.#headMayGo()) {
        const item = this.#waiting.shift()!;
        this.#underWay.push(item);
        onSent(item.owner);
        yield item.envelope;
      }
      if (!mayGo() || this.#ended) return;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** The envelope that the next answer is about: answers come in order. */
  answered(): WireItem<T> {
    const item = this.#underWay.shift();
    if (!item) throw new QightError("bad_frame", "The relay answered more sends than were made");
    this.answers++;
    if (this.#underWay.length === 0) this.#wake();
    return item;
  }

  /** Goes out again over a later call. */
  postpone(item: WireItem<T>): void {
    this.#postponed.push(item as Numbered<T>);
  }

  /** What waits to go out, in order. */
  waiting(): readonly WireItem<T>[] {
    return this.#waiting;
  }

  /** Other bytes for what waits, by its owner. */
  replace(anew: ReadonlyMap<T, Pick<WireItem<T>, "envelope" | "epoch">>): void {
    this.#waiting = this.#waiting.map((item) => ({ ...item, ...anew.get(item.owner) }));
  }

  /** The call is over: what was not answered or was postponed waits again, in its old place. */
  returnUnanswered(): void {
    this.#open = false;
    this.#call++;
    this.#wake();
    if (this.#underWay.length + this.#postponed.length === 0) return;
    this.#waiting = [...this.#underWay, ...this.#postponed, ...this.#waiting].sort((a, b) => a.place - b.place);
    this.#underWay = [];
    this.#postponed = [];
  }

  #headMayGo(): boolean {
    const [head] = this.#waiting;
    if (!head) return false;
    // All that are under way are of one epoch, for the same reason.
    return this.#underWay.length === 0 || this.#underWay[0].epoch === head.epoch;
  }
}
