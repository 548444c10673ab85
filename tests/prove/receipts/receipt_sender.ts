/**
 * Sends without pause and wants every message receipted: repeats the same bytes until the relay accepted them, and notes each receipt
 * in a file of its own, outside the relay.
 * @module
 */
import { RelayClient, type SendOutcome } from "../../../client/relay_client.ts";
import { receiptSubject } from "../../../client/receipts.ts";
import { generateSeed, type Signer, signerFromSeed } from "../../../crypto/ed25519.ts";
import { CONTENT_PLAIN, signEnvelope } from "../../../crypto/envelope.ts";
import { hex } from "../../../crypto/hex.ts";
import { asQightError } from "../../../proto/errors.ts";
import type { NotedReceipt } from "./receipt_judge.ts";

/** Messages of one pipeline. */
const BATCH = 48;
/** Between two of them, milliseconds: the row is about kills, not about speed. */
const PAUSE_MS = 5;
/** Silence after which the relay counts as killed: it says no goodbye over UDP. */
const TIMEOUT_MS = 1000;

/** One sending device. */
export class ReceiptSender implements AsyncDisposable {
  readonly signer: Signer;
  readonly #address: string;
  readonly #mailbox: Uint8Array;
  readonly #notes: Deno.FsFile;
  #stopped = false;
  #ended: Promise<void>;
  /** Messages that the relay accepted. */
  accepted = 0;
  /** Accepted, and no receipt came: the relay was killed in between. Those are asked for afterwards. */
  readonly unreceipted: { readonly mailbox: Uint8Array; readonly id: Uint8Array; readonly bodyHash: Uint8Array }[] = [];
  /** Anything that a sender should never see, in words. */
  readonly strange: string[] = [];

  private constructor(signer: Signer, address: string, mailbox: Uint8Array, path: string) {
    this.signer = signer;
    this.#address = address;
    this.#mailbox = mailbox;
    this.#notes = Deno.openSync(path, { create: true, append: true });
    this.#ended = this.#run().catch((thrown) => void this.strange.push(String(thrown)));
  }

  /** A fresh device that sends to a mailbox from now on; receipts are noted under `path`. */
  static async start(address: string, mailbox: Uint8Array, path: string): Promise<ReceiptSender> {
    return new ReceiptSender(await signerFromSeed(generateSeed()), address, mailbox, path);
  }

  /** Makes no more messages; resolves when those under way are accepted. */
  async finish(): Promise<void> {
    this.#stopped = true;
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish();
    this.#notes.close();
  }

  async #run(): Promise<void> {
    let left: Uint8Array[] = [];
    for (let round = 0; !this.#stopped || left.length > 0; round++) {
      try {
        await using relay = await RelayClient.connect(this.#address, { signer: this.signer, timeoutMs: TIMEOUT_MS });
        for (; !this.#stopped || left.length > 0; round++) {
          if (left.length === 0) left = await this.#batch();
          await this.#sendAll(relay, left, round % 4 > 0);
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        }
      } catch (thrown) {
        const { code, message } = asQightError(thrown);
        if (!["unreachable", "timeout", "draining", "busy", "interrupted"].includes(code)) {
          this.strange.push(`${code}: ${message}`);
          return;
        }
      }
    }
  }

  /** Takes from `left` what was accepted; both ways to ask for a receipt take turns. */
  async #sendAll(relay: RelayClient, left: Uint8Array[], pipelined: boolean): Promise<void> {
    if (pipelined) {
      const options = { receipt: true, timeoutMs: TIMEOUT_MS };
      for await (const outcome of relay.sendMany([...left], options)) this.#note(left.shift()!, outcome);
    } else {
      while (left.length > 0) {
        const receipt = await relay.send(left[0], { receipt: true });
        this.#note(left.shift()!, { kind: "accepted", receipt });
      }
    }
  }

  #note(envelope: Uint8Array, outcome: SendOutcome): void {
    if (outcome.kind === "failed") return void this.strange.push(outcome.error.message);
    this.accepted++;
    const { signed } = outcome.receipt;
    if (signed!.error) this.strange.push(signed!.error.message);
    const subject = receiptSubject(envelope);
    if (!signed!.bytes) return void this.unreceipted.push(subject);
    this.noted(subject, signed!.bytes);
  }

  /** Notes one receipt; it is in the kernel when this returns. */
  noted({ mailbox, id, bodyHash }: { mailbox: Uint8Array; id: Uint8Array; bodyHash: Uint8Array }, receipt: Uint8Array) {
    const note: NotedReceipt = {
      mailbox: hex(mailbox),
      id: hex(id),
      bodyHash: hex(bodyHash),
      receipt: receipt.toBase64(),
    };
    this.#notes.writeSync(new TextEncoder().encode(JSON.stringify(note) + "\n"));
  }

  async #batch(): Promise<Uint8Array[]> {
    return await Promise.all(Array.from({ length: BATCH }, () =>
      signEnvelope(this.signer, {
        id: crypto.getRandomValues(new Uint8Array(16)),
        sender: this.signer.publicKey,
        recipient: this.#mailbox,
        createdAtMs: Date.now(),
        ttlS: 0,
        contentType: CONTENT_PLAIN,
        payload: crypto.getRandomValues(new Uint8Array(64)),
      })));
  }
}
