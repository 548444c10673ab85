/** A relay in a test's memory: mailboxes, directory and leases, without checks. @module */
import { formatRelayAddress } from "../../net/address.ts";
import type { Connection } from "../../net/connection.ts";
import { memoryPair } from "../../net/memory.ts";
import { errorTable, QightError } from "../../proto/errors.ts";
import { parseEnvelope } from "../../crypto/envelope.ts";
import { openBundle } from "../../crypto/bundle.ts";
import { openSealingKey } from "../../crypto/sealing_key.ts";
import * as delivery from "../../proto/gen/qight/v1/delivery_pb.ts";
import * as directory from "../../proto/gen/qight/v1/directory_pb.ts";
import { HelloRequestSchema, HelloResponseSchema } from "../../proto/gen/qight/v1/session_pb.ts";
import { type ConnectOptions, RelayClient } from "../../client/relay_client.ts";
import { type Script, type ScriptedCall, serve } from "./scripted_relay.ts";
import type { TestClock } from "./test_clock.ts";

interface Stored {
  seq: number;
  receivedAtMs: number;
  envelope: Uint8Array;
}

/** A relay that a test can look into and trip up. */
export class MailRelay {
  readonly root = new Uint8Array(32).fill(9);
  readonly mailboxes = new Map<string, Stored[]>();
  readonly bundles = new Map<string, Uint8Array>();
  readonly sealingKeys = new Map<string, Uint8Array>();
  /** Every envelope that arrived, refused ones too. */
  readonly received: Uint8Array[] = [];
  readonly acknowledged: number[] = [];
  readonly connections: Connection[] = [];
  maxTtlS = 30 * 24 * 3600;
  /** What HELLO says of the time; the true one unless a test lies. */
  helloNowMs: () => number;
  /** Called before an envelope is stored; what it throws is the answer, "break" cuts the connection. */
  beforeStore: (envelope: Uint8Array, count: number) => void | "break" | "store_then_break" = () => {};
  /** Called before a bundle is answered; "break" cuts the connection. */
  beforeBundle: (account: Uint8Array) => void | "break" = () => {};
  room: Promise<void> = Promise.resolve();
  /** Largest number of messages in a mailbox. */
  maxQueue = Infinity;
  #seqs = new Map<string, number>();
  #lease = 0;
  #watchers = new Set<() => void>();

  constructor(readonly clock: TestClock) {
    this.helloNowMs = clock.now;
  }

  /** A client with a session over memory. */
  connect(options: ConnectOptions = {}): Promise<RelayClient> {
    const [ours, theirs] = memoryPair();
    this.connections.push(theirs);
    void serve(theirs, this.#script(options.signer?.publicKey ?? new Uint8Array(32)));
    return RelayClient.over(ours, { root: this.root, host: "relay.test", port: 4433 }, {
      clock: this.clock,
      ...options,
    });
  }

  get address(): string {
    return formatRelayAddress({ root: this.root, host: "relay.test", port: 4433 });
  }

  /** Cuts all connections as a broken network would. */
  breakAll(): void {
    for (const connection of this.connections.splice(0)) connection.close();
  }

  /** Makes room and tells whoever waits for mail. */
  put(recipient: Uint8Array, envelope: Uint8Array, receivedAtMs = this.clock.now()): number {
    const name = recipient.toHex();
    const box = this.mailboxes.get(name) ?? [];
    this.mailboxes.set(name, box);
    const same = box.find((stored) => stored.envelope.toHex() === envelope.toHex());
    if (same) return same.seq;
    const seq = (this.#seqs.get(name) ?? 0) + 1;
    this.#seqs.set(name, seq);
    box.push({ seq, receivedAtMs, envelope: envelope.slice() });
    for (const wake of this.#watchers) wake();
    return seq;
  }

  #script(device: Uint8Array): Script {
    const me = device.toHex();
    return {
      Hello: async (call) => {
        await call.next(HelloRequestSchema);
        const challenge = { relayNonce: new Uint8Array(32).fill(1), root: this.root };
        await call.reply(HelloResponseSchema, { step: { case: "challenge", value: challenge } });
        await call.next(HelloRequestSchema);
        const value = {
          nowMs: BigInt(this.helloNowMs()),
          maxTtlS: this.maxTtlS,
          defaultTtlS: 3600,
          maxMessage: 262_144,
          maxEnvelope: 270_000,
          durable: true,
        };
        await call.reply(HelloResponseSchema, { step: { case: "accepted", value } });
        await call.end();
      },
      Send: async (call, connection) => {
        const { envelope } = (await call.next(delivery.SendRequestSchema))!;
        const seq = this.#store(envelope, connection);
        await call.reply(delivery.SendResponseSchema, { seq: BigInt(seq), expiresAtMs: 1n });
        await call.stream.end();
      },
      SendMany: async (call, connection) => {
        for (let request; (request = await call.next(delivery.SendRequestSchema));) {
          await call.reply(delivery.SendOutcomeSchema, this.#outcome(request.envelope, connection));
        }
        await call.end();
      },
      AwaitRoom: async (call) => {
        await call.next(delivery.AwaitRoomRequestSchema);
        await this.room;
        await call.reply(delivery.AwaitRoomResponseSchema, {});
        await call.stream.end();
      },
      Fetch: async (call) => {
        const { peek } = (await call.next(delivery.FetchRequestSchema))!;
        await this.#deliver(call, me, peek, 0);
        await call.end();
      },
      Watch: async (call) => {
        const { peek } = (await call.next(delivery.WatchRequestSchema))!;
        let last = await this.#deliver(call, me, peek, 0);
        const value = { lastSeq: BigInt(last) };
        await call.reply(delivery.FetchResponseSchema, { kind: { case: "caughtUp", value } });
        for (;;) {
          await new Promise<void>((resolve) => this.#watchers.add(resolve));
          last = Math.max(last, await this.#deliver(call, me, true, last));
        }
      },
      Ack: async (call) => {
        const { lease, ranges } = (await call.next(delivery.AckRequestSchema))!;
        if (lease[0] !== this.#lease) throw new QightError("lease_lost");
        const box = this.mailboxes.get(me) ?? [];
        const gone = box.filter(({ seq }) => ranges.some((r) => r.first <= BigInt(seq) && BigInt(seq) <= r.last));
        this.mailboxes.set(me, box.filter((stored) => !gone.includes(stored)));
        this.acknowledged.push(...gone.map(({ seq }) => seq));
        await call.reply(delivery.AckResponseSchema, { deleted: gone.length });
        await call.stream.end();
      },
      GetBundle: async (call, connection) => {
        const { who } = (await call.next(directory.GetBundleRequestSchema))!;
        if (who.case === "account" && this.beforeBundle(who.value)) {
          connection.close();
          throw new Error("cut");
        }
        const bundle = who.case === "account"
          ? this.bundles.get(who.value.toHex())
          : await this.#bundleOfDevice(who.value!);
        await call.reply(directory.GetBundleResponseSchema, { bundle });
        await call.stream.end();
      },
      GetSealingKeys: async (call) => {
        const { account } = (await call.next(directory.GetSealingKeysRequestSchema))!;
        const bundle = this.bundles.get(account.toHex());
        const devices = bundle ? (await openBundle(bundle)).devices : [];
        const sealingKeys = devices.flatMap(({ key }) => this.sealingKeys.get(key.toHex()) ?? []);
        await call.reply(directory.GetSealingKeysResponseSchema, { bundle, sealingKeys });
        await call.stream.end();
      },
      PublishBundle: async (call) => {
        const { bundle, expectedVersion } = (await call.next(directory.PublishBundleRequestSchema))!;
        const { account } = await openBundle(bundle);
        const known = this.bundles.get(account.toHex());
        const version = known ? (await openBundle(known)).version : 0;
        if (BigInt(version) !== expectedVersion) throw new QightError("version_conflict");
        this.bundles.set(account.toHex(), bundle);
        await call.reply(directory.PublishBundleResponseSchema, {});
        await call.stream.end();
      },
      PublishSealingKey: async (call) => {
        const { sealingKey } = (await call.next(directory.PublishSealingKeyRequestSchema))!;
        this.sealingKeys.set((await openSealingKey(sealingKey)).device.toHex(), sealingKey);
        await call.reply(directory.PublishSealingKeyResponseSchema, {});
        await call.stream.end();
      },
    };
  }

  /** Tells every watcher and the holder of the older lease that somebody else reads now. */
  takeLease(): void {
    this.#lease++;
  }

  #store(envelope: Uint8Array, connection: Connection): number {
    this.received.push(envelope.slice());
    const { recipient } = parseEnvelope(envelope);
    const what = this.beforeStore(envelope, this.received.length);
    if (what === "store_then_break") this.put(recipient, envelope);
    if (what) {
      connection.close();
      throw new Error("cut");
    }
    if ((this.mailboxes.get(recipient.toHex())?.length ?? 0) >= this.maxQueue) throw new QightError("queue_full");
    return this.put(recipient, envelope);
  }

  #outcome(envelope: Uint8Array, connection: Connection) {
    try {
      const value = { seq: BigInt(this.#store(envelope, connection)), expiresAtMs: 1n };
      return { kind: { case: "accepted" as const, value } };
    } catch (thrown) {
      if (!(thrown instanceof QightError)) throw thrown;
      const value = { number: errorTable[thrown.code].number, message: thrown.message };
      return { kind: { case: "failure" as const, value } };
    }
  }

  async #deliver(call: ScriptedCall, mailbox: string, peek: boolean, after: number): Promise<number> {
    if (!peek) {
      const value = { id: new Uint8Array(16).fill(++this.#lease) };
      await call.reply(delivery.FetchResponseSchema, { kind: { case: "lease", value } });
    }
    let last = after;
    for (const { seq, receivedAtMs, envelope } of this.mailboxes.get(mailbox) ?? []) {
      if (seq <= after) continue;
      last = seq;
      const value = { seq: BigInt(seq), receivedAtMs: BigInt(receivedAtMs), expiresAtMs: 1n, envelope };
      await call.reply(delivery.FetchResponseSchema, { kind: { case: "delivered", value } });
    }
    return last;
  }

  async #bundleOfDevice(device: Uint8Array): Promise<Uint8Array | undefined> {
    for (const bundle of this.bundles.values()) {
      if ((await openBundle(bundle)).devices.some(({ key }) => key.toHex() === device.toHex())) return bundle;
    }
  }
}
