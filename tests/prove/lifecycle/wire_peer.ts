/**
 * Connections that the row itself holds over one transport: they see how each call ends and when the relay says goodbye.
 * @module
 */
import { RelayClient } from "../../../client/relay_client.ts";
import { type Account, accountFromSeed } from "../../../crypto/account.ts";
import { signBundle } from "../../../crypto/bundle.ts";
import { generateSeed, type Signer, signerFromSeed } from "../../../crypto/ed25519.ts";
import { CONTENT_PLAIN, parseEnvelope, signEnvelope } from "../../../crypto/envelope.ts";
import { hex } from "../../../crypto/hex.ts";
import { dial } from "../../../net/race.ts";
import { asQightError } from "../../../proto/errors.ts";
import type { Ledger } from "../ledger.ts";

/** How a peer reaches the relay. */
export type Via = "quic" | "websocket";

/** A device on the wire, without commands and stores. */
export interface WireDevice {
  readonly account: Account;
  readonly signer: Signer;
}

/** A new device; `join` makes its mailbox. */
export async function wireDevice(): Promise<WireDevice> {
  return { account: await accountFromSeed(generateSeed()), signer: await signerFromSeed(generateSeed()) };
}

/** Connects over exactly this transport; without a device the session only looks around. */
export function connectVia(via: Via, address: string, device?: WireDevice, timeoutMs = 10_000): Promise<RelayClient> {
  return RelayClient.connect(address, {
    timeoutMs,
    dial: (parsed, options) => dial({ address: parsed, timeoutMs: options.timeoutMs, transports: [via] }),
    ...(device ? { signer: device.signer } : {}),
  });
}

/** Publishes a bundle, so that the device has a mailbox. */
export async function join(client: RelayClient, { account, signer }: WireDevice): Promise<void> {
  const nowMs = Date.now();
  const bundle = await signBundle(account, {
    version: nowMs,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + 86_400_000,
    devices: [{ key: signer.publicKey, name: "wire", addedAtMs: nowMs }],
  });
  await client.publishBundle(bundle.bytes, 0);
}

/** How the sends of one connection ended. */
export interface Outcomes {
  accepted: number;
  /** The relay said no: draining or busy. */
  refused: number;
  /** The connection ended before an answer. */
  unknown: number;
  /** Anything else: broken promises, in words. */
  readonly strange: string[];
}

/** Sends one message after another in `lanes` lanes until a send is not accepted; the ledger knows intent and ack. */
export class Burst {
  readonly outcomes: Outcomes = { accepted: 0, refused: 0, unknown: 0, strange: [] };
  readonly ended: Promise<void>;

  constructor(
    client: RelayClient,
    from: WireDevice,
    to: Uint8Array,
    ledger: Ledger,
    options: { name: string; lanes: number },
  ) {
    const lane = async (index: number) => {
      const sender = `${options.name}-${index}`;
      for (let n = 0;; n++) {
        const text = `${sender}-${n}-${crypto.randomUUID()}`;
        const id = crypto.getRandomValues(new Uint8Array(16));
        const envelope = await signEnvelope(from.signer, {
          id,
          sender: from.signer.publicKey,
          recipient: to,
          createdAtMs: Date.now(),
          ttlS: 0,
          contentType: CONTENT_PLAIN,
          payload: new TextEncoder().encode(text),
        });
        ledger.add({ kind: "intent", text, sender, n });
        try {
          await client.send(envelope);
        } catch (thrown) {
          return this.#note(asQightError(thrown).code);
        }
        ledger.add({ kind: "ack", text, sender, n, id: hex(id) });
        this.outcomes.accepted++;
      }
    };
    this.ended = Promise.all(Array.from({ length: options.lanes }, (_, index) => lane(index))).then(() => {});
  }

  #note(code: string): void {
    if (code === "draining" || code === "busy") this.outcomes.refused++;
    else if (code === "unreachable") this.outcomes.unknown++;
    else this.outcomes.strange.push(code);
  }
}

/** Fetches a whole mailbox into the ledger and acknowledges it; answers how many messages came. */
export async function drainMailbox(client: RelayClient, reader: string, ledger: Ledger): Promise<number> {
  let lease: Uint8Array | null = null;
  let first = 0, last = 0, count = 0;
  for await (const event of client.fetch()) {
    if (event.type === "lease") lease = event.lease;
    if (event.type !== "delivered") continue;
    const envelope = parseEnvelope(event.envelope);
    const text = new TextDecoder().decode(envelope.payload);
    ledger.add({ kind: "shown", text, id: hex(envelope.id), seq: event.seq, reader });
    if (count++ === 0) first = event.seq;
    last = event.seq;
  }
  if (lease && count > 0) await client.ack(lease, [{ first, last }]);
  return count;
}
