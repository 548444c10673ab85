/**
 * Signed receipts: made after the commit and after the acknowledgement, one signature for all that wait together.
 * Why it is like this: docs/decisions/0006-receipts.md.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { setImmediate } from "node:timers";
import type { Signer } from "../../crypto/ed25519.ts";
import { type ReceiptFields, signReceipts } from "../../crypto/receipt.ts";
import {
  GetReceiptRequestSchema,
  GetReceiptResponseSchema,
  SendOutcomeSchema,
} from "../../proto/gen/qight/v1/delivery_pb.ts";
import type { CallContext } from "../dispatch.ts";
import type { Store } from "../storage/store.ts";

/** What serving receipts needs of the relay. */
export interface ReceiptRoom {
  readonly store: Pick<Store, "tombstone">;
  readonly receipts: ReceiptSigner;
}

interface Waiting {
  readonly message: ReceiptFields;
  readonly resolve: (receipt: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Signs receipts with the relay's root key; what is asked for while a signature runs shares the next one. */
export class ReceiptSigner {
  readonly #root: Signer;
  #waiting: Waiting[] = [];
  #running = false;

  /** `root` is the relay's root key. */
  constructor(root: Signer) {
    this.#root = root;
  }

  /** The serialized Receipt of a message whose commit is on disk. Never ask before that: it is a promise to others. */
  sign(message: ReceiptFields): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      // The next turn of the event loop: by then the whole commit has been answered, and all of it waits here.
      setImmediate(() => this.#signAll());
    });
  }

  async #signAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const together = this.#waiting;
      this.#waiting = [];
      try {
        const receipts = await signReceipts(this.#root, together.map(({ message }) => message));
        together.forEach(({ resolve }, at) => resolve(receipts[at]));
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.#running = false;
  }
}

/** The receipts of an accepted message as SendOutcomes, to be written after the one that accepts it. */
export async function receiptOutcomes(
  { receipts }: ReceiptRoom,
  accepted: { readonly receipts: readonly ReceiptFields[] },
): Promise<Uint8Array[]> {
  const signed = await Promise.all(accepted.receipts.map((fields) => receipts.sign(fields)));
  return signed.map((value) =>
    toBinary(SendOutcomeSchema, create(SendOutcomeSchema, { kind: { case: "receipt", value } }))
  );
}

/** GetReceipt: of the caller's own messages; whether another device sent one shows in nothing. */
export async function getReceipt(room: ReceiptRoom, call: CallContext): Promise<void> {
  const { mailbox, id } = await call.requests.only(GetReceiptRequestSchema);
  const known = await room.store.tombstone(mailbox, call.peer.device, id);
  const receipt = known ? await room.receipts.sign({ mailbox, id, ...known }) : new Uint8Array(0);
  await call.reply.send(toBinary(GetReceiptResponseSchema, create(GetReceiptResponseSchema, { receipt })));
}
