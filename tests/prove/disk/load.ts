/**
 * A load whose every byte is known: plain envelopes over RelayClient, with the moments of each call in wall clock.
 * @module
 */
import type { RelayClient } from "../../../client/relay_client.ts";
import { hashBody, parseEnvelope } from "../../../crypto/envelope.ts";
import type { NewMessage } from "../../../relay/storage/store.ts";
import { envelope, type Person } from "../../helpers/people.ts";
import { QightError } from "../../../proto/errors.ts";

/** One message as its sender saw it; times are microseconds since 1970, Infinity when it did not happen. */
export interface Letter {
  readonly mailbox: Uint8Array;
  readonly envelope: Uint8Array;
  readonly sentUs: number;
  acceptedUs: number;
  /** Its sequence number, once accepted. */
  seq: number;
  /** When its reader began to acknowledge it, and had the answer. */
  ackBegunUs: number;
  ackedUs: number;
  /** The error code of a refused send. */
  refused: string;
}

/** Microseconds since 1970 from the monotonic clock, so that they can be compared with strace's. */
export function nowUs(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}

/** Everything that was sent, in order of sending. */
export class Letters {
  readonly all: Letter[] = [];

  /** Sends one message and notes what came of it; throws only what is not a typed refusal. */
  async send(client: RelayClient, from: Person, to: Person, payload: Uint8Array, ttlS = 0): Promise<Letter> {
    const bytes = await envelope(from, to, Date.now(), { payload, ttlS });
    const letter: Letter = {
      mailbox: to.device.publicKey,
      envelope: bytes,
      sentUs: nowUs(),
      acceptedUs: Infinity,
      seq: 0,
      ackBegunUs: Infinity,
      ackedUs: Infinity,
      refused: "",
    };
    this.all.push(letter);
    try {
      const { seq } = await client.send(bytes);
      letter.acceptedUs = nowUs();
      letter.seq = seq;
    } catch (thrown) {
      if (!(thrown instanceof QightError)) throw thrown;
      letter.refused = thrown.code;
    }
    return letter;
  }

  /** Acknowledges every accepted message of a mailbox up to `seq`, as its reader. */
  async acknowledge(client: RelayClient, lease: Uint8Array, mailbox: Person, seq: number): Promise<void> {
    const begunUs = nowUs();
    const read = this.of(mailbox).filter((letter) => letter.seq > 0 && letter.seq <= seq);
    const open = read.filter((letter) => letter.ackBegunUs === Infinity);
    for (const letter of open) letter.ackBegunUs = begunUs;
    await client.ack(lease, [{ first: 1, last: seq }]);
    const endedUs = nowUs();
    for (const letter of open) letter.ackedUs = endedUs;
  }

  /** The messages to one person. */
  of(to: Person): Letter[] {
    return this.all.filter(({ mailbox }) => mailbox === to.device.publicKey);
  }
}

/** The message as the relay hands it to its store, for a repeat of it. */
export async function asNewMessage(bytes: Uint8Array, nowMs: number): Promise<NewMessage> {
  const opened = parseEnvelope(bytes);
  return {
    recipient: opened.recipient,
    sender: opened.sender,
    id: opened.id,
    bodyHash: await hashBody(opened),
    envelope: opened.bytes,
    createdAtMs: opened.createdAtMs,
    receivedAtMs: nowMs,
    expiresAtMs: nowMs + 86_400_000,
    tombstoneUntilMs: nowMs + 86_400_000,
  };
}
