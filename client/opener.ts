/**
 * Opens what was delivered and says whose it is; what cannot be opened or attributed is never taken for a message.
 * @module
 */
import { fromBinary } from "@bufbuild/protobuf";
import { lists, openBundle, type VerifiedBundle } from "../crypto/bundle.ts";
import {
  CONTENT_GROUP,
  CONTENT_PLAIN,
  CONTENT_SEALED,
  hashBody,
  type OpenedEnvelope,
  parseEnvelope,
  verifyEnvelope,
} from "../crypto/envelope.ts";
import { equal } from "../crypto/equal.ts";
import { committedContent } from "../crypto/franking.ts";
import { openSeal, sealedKeyId } from "../crypto/seal.ts";
import { QightError } from "../proto/errors.ts";
import { type Content, ContentSchema, type SealedContent, SealedContentSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import type { Clock } from "./clock.ts";
import type { DeliveryEvent } from "./delivery_events.ts";
import type { DirectoryRelay, KeyDirectory } from "./directory.ts";
import { openFranking, provenByItself } from "./franked.ts";
import { answerIn } from "./invite_accept.ts";
import type { Franked, UnreadableReason } from "./inbox_events.ts";
import type { ClientStore, SealingSecret } from "./storage/store.ts";

/** An envelope as the relay handed it over. */
export type DeliveredEvent = Extract<DeliveryEvent, { type: "delivered" }>;

/** A delivery after its signature and seal were checked, before it is known whose it is. */
export type Unsealed =
  | {
    readonly kind: "unsealed";
    readonly envelope: OpenedEnvelope;
    readonly bodyHash: Uint8Array;
    readonly sealed: SealedContent | null;
    readonly content: Content;
    readonly franked: Franked | null;
  }
  /** To a group: client/group_opener.ts opens it, when it is its turn. */
  | { readonly kind: "group"; readonly envelope: OpenedEnvelope; readonly bodyHash: Uint8Array }
  | Unreadable;

/** A delivery that is no message. */
export interface Unreadable {
  readonly kind: "unreadable";
  readonly envelope: OpenedEnvelope | null;
  readonly reason: UnreadableReason;
}

/** Whose a delivery is. */
export type Attributed =
  | { readonly kind: "attributed"; readonly account: Uint8Array }
  | { readonly kind: "unattributed"; readonly reason: UnreadableReason };

/** Opens deliveries for one device. */
export class Opener {
  readonly #device: Uint8Array;
  readonly #store: ClientStore;
  readonly #directory: KeyDirectory;
  /** Secrets in use; one array for each, so that the imported key behind it is found again. */
  readonly #secrets = new Map<string, SealingSecret>();

  /** When an account's bundle was last asked for, monotonic milliseconds. */
  readonly #refreshed = new Map<string, number>();
  readonly #clock: Pick<Clock, "monotonic">;

  constructor(device: Uint8Array, store: ClientStore, directory: KeyDirectory, clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
    this.#device = device;
    this.#store = store;
    this.#directory = directory;
  }

  /** Checks form, recipient, signature and seal. Many at once are faster. */
  async unseal(delivered: DeliveredEvent): Promise<Unsealed> {
    let envelope: OpenedEnvelope | null = null;
    try {
      envelope = parseEnvelope(delivered.envelope);
      if (envelope.contentType === CONTENT_GROUP) {
        await verifyEnvelope(envelope);
        return { kind: "group", envelope, bodyHash: await hashBody(envelope) };
      }
      if (!equal(envelope.recipient, this.#device)) return unreadable(envelope, "not_for_this_device");
      await verifyEnvelope(envelope);
      const bodyHash = await hashBody(envelope);
      if (envelope.contentType === CONTENT_PLAIN) {
        const content = knownContent(decodeContent(envelope.payload));
        return content
          ? { kind: "unsealed", envelope, bodyHash, sealed: null, content, franked: provenByItself(envelope) }
          : unreadable(envelope, "unknown_content");
      }
      if (envelope.contentType !== CONTENT_SEALED) return unreadable(envelope, "unknown_content");
      const secret = await this.#secret(sealedKeyId(envelope.payload));
      if (!secret) return unreadable(envelope, "unknown_key");
      const { sealed, plaintext } = await openSeal({ secretSeed: secret.seed, fields: envelope });
      const franked = await openFranking(envelope, sealed.frankingKey, committedContent(plaintext, SEALED_CONTENT));
      if (franked === "bad_commitment") return unreadable(envelope, franked);
      const content = knownContent(sealed.content);
      return content
        ? { kind: "unsealed", envelope, bodyHash, sealed, content, franked }
        : unreadable(envelope, "unknown_content");
    } catch (thrown) {
      return unreadable(envelope, reasonOf(thrown));
    }
  }

  /** Finds the account behind an unsealed delivery, asking the relay for bundles that are not known. */
  async attribute(
    unsealed: Extract<Unsealed, { kind: "unsealed" }>,
    receivedAtMs: number,
    relay: DirectoryRelay,
  ): Promise<Attributed> {
    const { envelope, sealed } = unsealed;
    try {
      return sealed
        ? await this.#attributeSealed(envelope, sealed, receivedAtMs, relay)
        : await this.#attributePlain(envelope, relay);
    } catch (thrown) {
      // A relay that cannot be asked is no reason to give a message up: only what it answered is.
      if (thrown instanceof QightError && (thrown.code === "bad_bundle" || thrown.code === "key_changed")) {
        return { kind: "unattributed", reason: "bad_bundle" };
      }
      throw thrown;
    }
  }

  async #attributeSealed(
    { sender }: OpenedEnvelope,
    sealed: SealedContent,
    receivedAtMs: number,
    relay: DirectoryRelay,
  ): Promise<Attributed> {
    const { account } = sealed;
    const version = Number(sealed.bundleVersion);
    let bundle = await this.#directory.version(account, version);
    if (!bundle && sealed.bundle.length > 0) {
      bundle = await openBundle(sealed.bundle);
      if (!equal(bundle.account, account) || bundle.version !== version) return unattributed("bad_bundle");
      if (!equal(bundle.hash, sealed.bundleHash)) return unattributed("bad_bundle");
      await this.#keep(bundle);
    }
    await this.#refresh(account, relay);
    bundle ??= await this.#directory.version(account, version) ??
      (await this.#directory.since(account, version + 1)).at(-1) ?? null;
    if (!bundle) return unattributed("unknown_sender");
    if (bundle.version === version && !equal(bundle.hash, sealed.bundleHash)) return unattributed("bad_bundle");
    if (!lists(bundle, sender)) return unattributed(bundle.version === version ? "not_listed" : "unknown_sender");
    // docs/protocol.md: a device missing from a newer bundle counts for what reached the relay before that bundle was made.
    const newer = await this.#directory.since(account, bundle.version + 1);
    const dropped = newer.find((next) => !lists(next, sender));
    if (dropped && receivedAtMs >= dropped.createdAtMs) return unattributed("revoked");
    return { kind: "attributed", account };
  }

  /** Plain content names no account: the relay's directory says whose device it is, and nothing vouches for more. */
  async #attributePlain({ sender }: OpenedEnvelope, relay: DirectoryRelay): Promise<Attributed> {
    const offered = await relay.getBundle({ device: sender });
    if (!offered) return unattributed("unknown_sender");
    const bundle = await openBundle(offered);
    if (!lists(bundle, sender)) return unattributed("unknown_sender");
    await this.#keep(bundle);
    return { kind: "attributed", account: bundle.account };
  }

  /** Asks for the account's newest bundle now and then: else a removed device would count for ever. */
  async #refresh(account: Uint8Array, relay: DirectoryRelay): Promise<void> {
    const name = account.toHex();
    const nowMs = this.#clock.monotonic();
    const refreshedMs = this.#refreshed.get(name);
    if (refreshedMs !== undefined && nowMs < refreshedMs + REFRESH_MS) return;
    const offered = await relay.getBundle({ account });
    this.#refreshed.set(name, nowMs);
    if (!offered) return;
    const bundle = await openBundle(offered);
    if (equal(bundle.account, account)) await this.#keep(bundle);
  }

  async #keep(bundle: VerifiedBundle): Promise<void> {
    const newer = await this.#directory.since(bundle.account, bundle.version + 1);
    if (newer.length === 0) await this.#directory.remember(bundle);
    else await this.#directory.rememberOlder(bundle);
  }

  async #secret(keyId: Uint8Array): Promise<SealingSecret | null> {
    const name = keyId.toHex();
    const known = this.#secrets.get(name);
    if (known) return known;
    const secret = await this.#store.read(({ secrets }) => secrets.byKeyId(keyId));
    if (!secret) return null;
    const meanwhile = this.#secrets.get(name);
    if (meanwhile) return meanwhile;
    this.#secrets.set(name, secret);
    return secret;
  }
}

/** Field number of the content in a SealedContent. */
const SEALED_CONTENT = SealedContentSchema.field.content.number;

const REFRESH_MS = 10 * 60_000;

function decodeContent(payload: Uint8Array): Content | undefined {
  try {
    return fromBinary(ContentSchema, payload, { readUnknownFields: false });
  } catch {
    return undefined; // the event says "unknown_content", and the bytes are kept
  }
}

function knownContent(content: Content | undefined): Content | null {
  // What own devices tell each other goes through their conversation, where nobody else can have said it.
  if (!content || content.sync) return null;
  return content.body.case !== undefined || content.files.length > 0 || answerIn(content) ? content : null;
}

function unreadable(envelope: OpenedEnvelope | null, reason: UnreadableReason): Unreadable {
  return { kind: "unreadable", envelope, reason };
}

function unattributed(reason: UnreadableReason): Attributed {
  return { kind: "unattributed", reason };
}

function reasonOf(thrown: unknown): UnreadableReason {
  if (!(thrown instanceof QightError)) throw thrown;
  switch (thrown.code) {
    case "bad_envelope":
    case "message_too_large":
      return "malformed";
    case "bad_signature":
      return "bad_signature";
    case "cannot_open":
      return "cannot_open";
    default:
      throw thrown; // the store failed: nothing is known about the message
  }
}
