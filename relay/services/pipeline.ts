/**
 * SendMany: what arrives together is checked side by side, stored in one turn, and answered in one write.
 * @module
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { SendOutcomeSchema, SendRequestSchema } from "../../proto/gen/qight/v1/delivery_pb.ts";
import { loneBytes } from "../../proto/lone_field.ts";
import type { CallContext } from "../dispatch.ts";
import { decode } from "../request_reader.ts";
import { checkEnvelope, countRefusal, storeEnvelope } from "./acceptance.ts";
import type { AcceptanceRoom, Accepted } from "./acceptance_room.ts";
import { receiptOutcomes } from "./receipts.ts";
import { acceptedOutcome, failedOutcome, settle, type Settled } from "./send_outcome.ts";

/** Sends of one call that may be under way at once. */
const PIPELINE = 256;

interface Request {
  readonly envelope: Uint8Array;
  readonly receipt: boolean;
  /** Bytes that count against the connection until it is answered. */
  readonly held: number;
}

/** Serves one SendMany call: the store sees input order, and answers come in input order. */
export async function sendMany(room: AcceptanceRoom, call: CallContext): Promise<void> {
  await new Pipeline(room, call).run();
}

class Pipeline {
  readonly #room: AcceptanceRoom;
  readonly #call: CallContext;
  #underWay = 0;
  #wakeReader: () => void = () => {};
  #receipting: Promise<void> = Promise.resolve();
  #broken: { thrown: unknown } | null = null;

  constructor(room: AcceptanceRoom, call: CallContext) {
    this.#room = room;
    this.#call = call;
  }

  async run(): Promise<void> {
    let storing: Promise<unknown> = Promise.resolve();
    let answering: Promise<void> = Promise.resolve();
    for (;;) {
      while (this.#underWay >= PIPELINE) await new Promise<void>((resolve) => this.#wakeReader = resolve);
      const messages = await this.#call.requests.some(PIPELINE - this.#underWay);
      this.#throwIfBroken();
      if (messages === null) break;
      this.#underWay += messages.length;
      const requests = messages.map(requestOf);
      const checks = Promise.all(
        requests.map(({ envelope }) => settle(checkEnvelope(this.#room, this.#call.peer, envelope))),
      );
      // What arrives next is handed to the store after this, whatever its checks take.
      const handed = storing.then(async () =>
        (await checks).map(({ value, error }): Settled<Accepted> | Promise<Settled<Accepted>> =>
          value ? this.#store(value) : { error: error! }
        )
      );
      storing = handed;
      answering = answering.then(async () => this.#answer(requests, await Promise.all(await handed)))
        .catch((thrown) => this.#fail(requests.length, thrown))
        .then(async () => void (this.#call.served.owed -= (await checks).filter(({ value }) => value).length));
    }
    await answering;
    await this.#receipting;
    this.#throwIfBroken();
    await this.#call.reply.end();
  }

  /** What is handed to the store is owed an answer, also by a relay that drains. */
  #store(envelope: Parameters<typeof storeEnvelope>[1]): Promise<Settled<Accepted>> {
    this.#call.served.owed++;
    return settle(storeEnvelope(this.#room, envelope));
  }

  async #answer(requests: readonly Request[], outcomes: readonly Settled<Accepted>[]): Promise<void> {
    const answers = outcomes.map(({ value, error }) => {
      if (error) countRefusal(this.#room, error);
      return toBinary(SendOutcomeSchema, value ? acceptedOutcome(value) : failedOutcome(error!));
    });
    const sent = this.#call.reply.send(...answers);
    let answered = 0;
    for (const [at, { receipt, held }] of requests.entries()) {
      this.#call.requests.done(held);
      const { value } = outcomes[at];
      if (receipt && value) this.#sendReceipt(value);
      else answered++;
    }
    // Until the transport took the answers they count as under way: whoever reads none holds up only themselves.
    await sent;
    this.#done(answered);
  }

  #sendReceipt(accepted: Accepted): void {
    const made = receiptOutcomes(this.#room, accepted);
    this.#receipting = this.#receipting.then(async () => {
      const receipts = await made;
      void this.#call.reply.send(...receipts).then(() => this.#done(1), (thrown) => this.#fail(1, thrown));
    }).catch((thrown) => this.#fail(1, thrown));
  }

  #fail(count: number, thrown: unknown): void {
    this.#broken ??= { thrown };
    this.#done(count);
  }

  #throwIfBroken(): void {
    if (this.#broken) throw this.#broken.thrown;
  }

  #done(count: number): void {
    this.#underWay -= count;
    this.#wakeReader();
  }
}

function requestOf(message: Uint8Array): Request {
  const lone = loneBytes(message);
  if (lone) return { envelope: lone, receipt: false, held: message.length };
  const { envelope, receipt } = decode(() => fromBinary(SendRequestSchema, message, { readUnknownFields: false }));
  return { envelope, receipt, held: message.length };
}
