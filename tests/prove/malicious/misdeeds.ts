/**
 * What a malicious relay does to the mail that passes through it: drops, duplicates, shuffles, replays, and lies about time.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { parseEnvelope } from "../../../crypto/envelope.ts";
import { type Delivered, type FetchResponse, FetchResponseSchema } from "../../../proto/gen/qight/v1/delivery_pb.ts";
import { HelloResponseSchema } from "../../../proto/gen/qight/v1/session_pb.ts";
import type { Meddler } from "../../helpers/hostile_relay/meddling.ts";

/** One misdeed, for the ledger; `id` is the message's, as hex. */
export interface Misdeed {
  readonly did: "dropped" | "duplicated" | "replayed" | "moved";
  readonly id: string;
}

/** What the row orders; what is left out stays as it is. */
export interface Orders {
  /** Milliseconds that HELLO's clock is ahead of the true one. */
  readonly aheadMs?: number;
  /** Every HELLO names this time and it never goes on; null ends that. */
  readonly frozenAtMs?: number | null;
  /** Added to the time at which mail is said to have reached the relay. */
  readonly receivedAheadMs?: number;
  /** Longest life of a message that HELLO claims, in seconds. */
  readonly maxTtlS?: number;
  /** From now on nothing is dropped any more; what was dropped stays away. */
  readonly honest?: boolean;
  /** How many of the envelopes of earlier fetches come again in each one: 0.1, or 1 for all. */
  readonly replay?: number;
}

const DROP = 1 / 20;
const DUPLICATE = 1 / 10;
/** Mail is held back until there is so much of it, and goes on in another order. */
const SHUFFLED_TOGETHER = 64;
/** Invented numbers start here: no mailbox of the row comes so far. */
const INVENTED_FROM = 1_000_000_000;

/** A relay's operator who has decided to be malicious, with seeded chance. */
export class Misdeeds {
  readonly #random: () => number;
  readonly #tell: (misdeed: Misdeed) => void;
  readonly #dropped = new Map<string, boolean>();
  /** What went out in earlier fetches. */
  #yesterday: Delivered[] = [];
  #today: Delivered[] = [];
  #invented = INVENTED_FROM;
  #orders: Orders = {};

  constructor(random: () => number, tell: (misdeed: Misdeed) => void) {
    this.#random = random;
    this.#tell = tell;
  }

  /** Takes an order. */
  order(orders: Orders): void {
    this.#orders = { ...this.#orders, ...orders };
  }

  /** How the calls that matter are treated. */
  treat(method: string): Meddler | undefined {
    if (method === "Hello") return { reply: (message) => message ? [this.#hello(message)] : [] };
    if (method === "Fetch" || method === "Watch") return this.#reading();
    return undefined;
  }

  #hello(message: Uint8Array): Uint8Array {
    const said = fromBinary(HelloResponseSchema, message);
    if (said.step.case !== "accepted") return message;
    const { aheadMs = 0, frozenAtMs = null, maxTtlS } = this.#orders;
    const { value } = said.step;
    value.nowMs = frozenAtMs === null ? value.nowMs + BigInt(aheadMs) : BigInt(frozenAtMs);
    if (maxTtlS !== undefined) value.maxTtlS = maxTtlS;
    return toBinary(HelloResponseSchema, said);
  }

  #reading(): Meddler {
    this.#yesterday.push(...this.#today.splice(0));
    const { replay = 0.1 } = this.#orders;
    let held: Delivered[] = this.#yesterday.filter(() => this.#random() < replay).map((delivered) => {
      this.#tell({ did: "replayed", id: idOf(delivered) });
      return this.#random() < 0.5 ? delivered : this.#renumbered(delivered);
    });
    const release = () => {
      const before = held;
      held = [];
      return shuffled(before, this.#random).map((delivered, at) => {
        if (before[at] !== delivered) this.#tell({ did: "moved", id: idOf(delivered) });
        return frame({ case: "delivered", value: delivered });
      });
    };
    return {
      reply: (message) => {
        if (message === null) return release();
        const { kind } = fromBinary(FetchResponseSchema, message);
        if (kind.case === "lease") return [message];
        if (kind.case !== "delivered") return [...release(), message];
        held.push(...this.#deliver(kind.value));
        return held.length < SHUFFLED_TOGETHER ? [] : release();
      },
    };
  }

  /** Nothing, the message, or the message and its double. */
  #deliver(delivered: Delivered): Delivered[] {
    const id = idOf(delivered);
    if (!this.#dropped.has(id)) {
      const drop = !this.#orders.honest && this.#random() < DROP;
      this.#dropped.set(id, drop);
      if (drop) this.#tell({ did: "dropped", id });
    }
    if (this.#dropped.get(id)) return [];
    const { receivedAheadMs = 0 } = this.#orders;
    const dated = { ...delivered, receivedAtMs: delivered.receivedAtMs + BigInt(receivedAheadMs) };
    this.#today.push(dated);
    if (this.#random() >= DUPLICATE) return [dated];
    this.#tell({ did: "duplicated", id });
    return [dated, this.#random() < 0.5 ? dated : this.#renumbered(dated)];
  }

  #renumbered(delivered: Delivered): Delivered {
    this.#invented += 2; // never side by side: an acknowledged range must not grow over others
    return { ...delivered, seq: BigInt(this.#invented) };
  }
}

function idOf({ envelope }: Delivered): string {
  return parseEnvelope(envelope).id.toHex();
}

function frame(kind: FetchResponse["kind"]): Uint8Array {
  return toBinary(FetchResponseSchema, create(FetchResponseSchema, { kind }));
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const all = [...items];
  for (let at = all.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [all[at], all[other]] = [all[other], all[at]];
  }
  return all;
}
