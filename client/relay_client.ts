/**
 * The library's face: one connection to one relay, with everything that may be asked of it.
 * @module
 */
import { create, type MessageShape } from "@bufbuild/protobuf";
import type { Signer } from "../crypto/ed25519.ts";
import type { BundleVoucher } from "../crypto/voucher.ts";
import { parseRelayAddress, type RelayAddress } from "../net/address.ts";
import type { CloseReason, Connection } from "../net/connection.ts";
import { QightError } from "../proto/errors.ts";
import { DeliveryService, type SeqRange, SeqRangeSchema } from "../proto/gen/qight/v1/delivery_pb.ts";
import { DirectoryService } from "../proto/gen/qight/v1/directory_pb.ts";
import { type CapabilitiesResponseSchema, SessionService } from "../proto/gen/qight/v1/session_pb.ts";
import { methodOf } from "../proto/methods.ts";
import { type Clock, type Random, systemClock, systemRandom } from "./clock.ts";
import { type DeliveryEvent, deliveryEvents } from "./delivery_events.ts";
import { GroupCalls } from "./group_calls.ts";
import { type CallOptions, createRpc, type Rpc } from "./rpc.ts";
import {
  getReceipt,
  receiptOf,
  type ReceiptSubject,
  sendForReceipt,
  type SendOutcome,
  type SendReceipt,
  type SignedReceipt,
} from "./receipts.ts";
import { sendPipelined } from "./send_many.ts";
import { hello, type Session } from "./session.ts";
import { turnedAway } from "./turned_away.ts";

export type { DeliveryEvent, GroupCalls, SendOutcome, SendReceipt, SignedReceipt };

/** Makes a connection to a relay; `net/race.ts` is the usual one. */
export type Dial = (address: RelayAddress, options: { timeoutMs: number }) => Promise<Connection>;

/** How to connect. */
export interface ConnectOptions {
  /** The device that speaks; without one the session may only look around. */
  signer?: Signer;
  /** Access token in token mode. */
  token?: string;
  /** Own serialized Bundle, so that an allow list knows the account before it is published. */
  bundle?: Uint8Array;
  /** Deadline of dialling and of each call that does not wait by design, milliseconds; 10,000 unless given. */
  timeoutMs?: number;
  dial?: Dial;
  clock?: Clock;
  random?: Random;
  /** Name and version of the program, for the relay's log. */
  program?: string;
}

/** Which messages to ask for. */
export interface FetchOptions {
  /** Only messages after this sequence number. */
  afterSeq?: number;
  /** At most so many messages; 0 or absent = all. */
  max?: number;
  /** Neither take nor end a lease. */
  peek?: boolean;
  /** Wait so long for the first message, milliseconds. */
  waitMs?: number;
  signal?: AbortSignal;
}

/** How to send. */
export interface SendOptions extends CallOptions {
  /** Wait for the relay's signed receipt too. */
  receipt?: boolean;
}

/** Sequence numbers, both ends included. */
export interface SeqSpan {
  readonly first: number;
  readonly last: number;
}

/**
 * A connection to a relay.
 *
 * @example
 * ```ts ignore
 * await using relay = await RelayClient.connect("qight://ROOT@127.0.0.1:4433", { signer });
 * const { seq } = await relay.send(envelopeBytes);
 * ```
 */
export class RelayClient implements AsyncDisposable {
  /** The calls underneath. */
  readonly rpc: Rpc;
  /** What HELLO told us. */
  readonly session: Session;
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #helloAtMs: number;
  #givesReceipts: Promise<boolean> | null = null;
  #groups: GroupCalls | null = null;

  private constructor(connection: Connection, rpc: Rpc, session: Session, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    this.#helloAtMs = clock.monotonic();
    this.rpc = rpc;
    this.session = session;
  }

  /** Dials the relay and says hello. `unreachable` when nobody answers, `wrong_relay` when somebody else does. */
  static async connect(address: string, options: ConnectOptions = {}): Promise<RelayClient> {
    const parsed = parseRelayAddress(address);
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const connection = await (options.dial ?? usualDial)(parsed, { timeoutMs });
    return await RelayClient.over(connection, parsed, options);
  }

  /** Says hello on a connection that is up already, and takes the connection over. */
  static async over(
    connection: Connection,
    address: Pick<RelayAddress, "root" | "host" | "port">,
    options: Omit<ConnectOptions, "dial"> = {},
  ): Promise<RelayClient> {
    const { clock = systemClock, random = systemRandom, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const rpc = createRpc(connection, { clock, random, timeoutMs });
    try {
      const session = await hello(rpc, connection, {
        address,
        random,
        timeoutMs,
        ...(options.signer ? { signer: options.signer } : {}),
        ...(options.token === undefined ? {} : { token: options.token }),
        ...(options.bundle ? { bundle: options.bundle } : {}),
        ...(options.program === undefined ? {} : { program: options.program }),
      });
      rpc.maxReply = Math.max(rpc.maxReply, session.maxEnvelope + REPLY_OVERHEAD);
      return new RelayClient(connection, rpc, session, clock);
    } catch (thrown) {
      const error = await turnedAway(connection, thrown);
      connection.close();
      throw error;
    }
  }

  /** Resolves (never rejects) when the connection is over. */
  get closed(): Promise<CloseReason> {
    return this.#connection.closed;
  }

  /** The mover of bytes in use: "quic" or "websocket". */
  get transport(): string {
    return this.#connection.transport;
  }

  /** The relay's clock now, reckoned from HELLO, milliseconds since 1970. */
  relayNowMs(): number {
    return this.session.nowMs + Math.round(this.#clock.monotonic() - this.#helloAtMs);
  }

  /** What HELLO told us; HELLO itself was said by `connect`. */
  hello(): Promise<Session> {
    return Promise.resolve(this.session);
  }

  /** Round trip; resolves with the relay's clock in milliseconds since 1970. */
  async ping(data: Uint8Array = new Uint8Array(0), options?: CallOptions): Promise<number> {
    return Number((await this.rpc.unary(SessionService.method.ping, { data }, options)).nowMs);
  }

  /** What the relay can do. */
  capabilities(options?: CallOptions): Promise<MessageShape<typeof CapabilitiesResponseSchema>> {
    return this.rpc.unary(SessionService.method.capabilities, {}, options);
  }

  /** Sends one serialized SignedEnvelope; resolves when it is on the relay's disk. */
  async send(envelope: Uint8Array, { receipt, ...options }: SendOptions = {}): Promise<SendReceipt> {
    if (receipt) return await sendForReceipt(this.rpc, this.session.root, envelope, options);
    return receiptOf(await this.rpc.unary(DeliveryService.method.send, { envelope }, options));
  }

  /** Sends many over one call; outcomes come in input order. Leaving the loop gives the rest up. */
  sendMany(
    envelopes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { receipt, ...options }: SendOptions = {},
  ): AsyncIterable<SendOutcome> {
    return receipt ? this.#sendManyForReceipts(envelopes, options) : sendPipelined(this.rpc, envelopes, options);
  }

  /** The relay's receipt of a message that this device sent; say what is known of it, and anything else is refused. */
  getReceipt(message: ReceiptSubject, options?: CallOptions): Promise<SignedReceipt> {
    return getReceipt(this.rpc, this.session.root, message, options);
  }

  /** What is in the own mailbox, in order, and then the end. */
  fetch(options: FetchOptions = {}): AsyncIterable<DeliveryEvent> {
    return deliveryEvents(this.rpc.serverStream(DeliveryService.method.fetch, {
      afterSeq: BigInt(options.afterSeq ?? 0),
      max: options.max ?? 0,
      peek: options.peek ?? false,
      waitMs: Math.round(options.waitMs ?? 0),
    }, options.signal ? { signal: options.signal } : {}));
  }

  /** Like `fetch`, and goes on as messages are stored. */
  watch(options: Pick<FetchOptions, "afterSeq" | "peek" | "signal"> = {}): AsyncIterable<DeliveryEvent> {
    return deliveryEvents(this.rpc.serverStream(DeliveryService.method.watch, {
      afterSeq: BigInt(options.afterSeq ?? 0),
      peek: options.peek ?? false,
    }, options.signal ? { signal: options.signal } : {}));
  }

  /** Deletes what the reader has; returns how many were there. `lease_lost` when another reader took over. */
  async ack(lease: Uint8Array, ranges: readonly SeqSpan[], options?: CallOptions): Promise<number> {
    let deleted = 0;
    for (let at = 0; at < ranges.length; at += MAX_ACK_RANGES) {
      const some = ranges.slice(at, at + MAX_ACK_RANGES).map(onWire);
      deleted += (await this.rpc.unary(DeliveryService.method.ack, { lease, ranges: some }, options)).deleted;
    }
    return deleted;
  }

  /**
   * Publishes the own serialized Bundle if the stored version is `expectedVersion` (0 = none yet). With the voucher of a listed
   * device this one may come from another account. Answers a session token where the relay gave one, else "".
   */
  async publishBundle(
    bundle: Uint8Array,
    expectedVersion: number,
    { voucher, ...options }: CallOptions & { readonly voucher?: BundleVoucher } = {},
  ): Promise<string> {
    const request = { bundle, expectedVersion: BigInt(expectedVersion), ...(voucher ? { voucher } : {}) };
    return (await this.rpc.unary(DirectoryService.method.publishBundle, request, options)).sessionToken;
  }

  /** The serialized Bundle of an account or of a device's account; null when the relay has none. Not verified here. */
  async getBundle(who: { account: Uint8Array } | { device: Uint8Array }, options?: CallOptions) {
    const case_ = "account" in who
      ? { case: "account" as const, value: who.account }
      : { case: "device" as const, value: who.device };
    const { bundle } = await this.rpc.unary(DirectoryService.method.getBundle, { who: case_ }, options);
    return bundle.length > 0 ? bundle : null;
  }

  /** What the relay has of an account: its serialized Bundle, or the AccountEnd of one that was deleted. Not verified here. */
  async getAccount(account: Uint8Array, options?: CallOptions) {
    const who = { case: "account" as const, value: account };
    const { bundle, end } = await this.rpc.unary(DirectoryService.method.getBundle, { who }, options);
    return { bundle: bundle.length > 0 ? bundle : null, end: end.length > 0 ? end : null };
  }

  /** Publishes the own serialized SealingKey; `key_changed` when a newer one is there. */
  async publishSealingKey(sealingKey: Uint8Array, options?: CallOptions): Promise<void> {
    await this.rpc.unary(DirectoryService.method.publishSealingKey, { sealingKey }, options);
  }

  /**
   * An account's serialized Bundle (null when there is none) and its devices' sealing keys, or the AccountEnd of one that was
   * deleted. Not verified here.
   */
  async getSealingKeys(
    account: Uint8Array,
    options?: CallOptions,
  ): Promise<{ bundle: Uint8Array | null; sealingKeys: Uint8Array[]; end?: Uint8Array }> {
    const { bundle, sealingKeys, end } = await this.rpc.unary(
      DirectoryService.method.getSealingKeys,
      { account },
      options,
    );
    return { bundle: bundle.length > 0 ? bundle : null, sealingKeys, ...end.length > 0 ? { end } : {} };
  }

  /** The calls about groups and KeyPackages. */
  get groups(): GroupCalls {
    return this.#groups ??= new GroupCalls(this.rpc);
  }

  /** Resolves when the recipient's mailbox has room again; at once when it has. */
  async awaitRoom(recipient: Uint8Array, options?: CallOptions): Promise<void> {
    await this.rpc.unary(DeliveryService.method.awaitRoom, { recipient }, options);
  }

  async *#sendManyForReceipts(
    envelopes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: CallOptions,
  ): AsyncGenerator<SendOutcome, void, undefined> {
    // A relay that knows no receipts would let everything wait for them.
    const wanted = await (this.#givesReceipts ??= this.#knowsReceipts());
    yield* sendPipelined(this.rpc, envelopes, wanted ? { ...options, receiptsOf: this.session.root } : options);
  }

  async #knowsReceipts(): Promise<boolean> {
    return (await this.capabilities()).methods.includes(methodOf(DeliveryService.method.sendForReceipt).number);
  }

  /** Ends the connection at once; idempotent. */
  close(): void {
    this.#connection.close();
  }

  /** Closes and waits until the connection is over. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }
}

const DEFAULT_TIMEOUT_MS = 10_000;
// An envelope travels inside a Delivered inside a FetchResponse inside a Part.
const REPLY_OVERHEAD = 1024;
const MAX_ACK_RANGES = 4096;

/** Loaded when first needed: a browser hands in its own and never loads the sockets of this one. */
const usualDial: Dial = async (address, options) => {
  const { dial } = await import("../net/race.ts");
  return await dial({ address, ...options });
};

function onWire({ first, last }: SeqSpan): SeqRange {
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || first > last) {
    throw new QightError("invariant", `Cannot acknowledge ${first} to ${last}`);
  }
  return create(SeqRangeSchema, { first: BigInt(first), last: BigInt(last) });
}
