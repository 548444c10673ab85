/**
 * Whose device is whose, and how to seal to it: bundles and sealing keys from a relay, verified, never rolled back.
 * @module
 */
import { formatAccountId } from "../crypto/account.ts";
import { checkSuccessor, openBundle, type VerifiedBundle } from "../crypto/bundle.ts";
import { equal } from "../crypto/equal.ts";
import { openSealingKey, type VerifiedSealingKey } from "../crypto/sealing_key.ts";
import { QightError } from "../proto/errors.ts";
import type { Clock } from "./clock.ts";
import { keepEnd } from "./account_ends.ts";
import { noteDeviceNews } from "./device_news.ts";
import type { RelayClient } from "./relay_client.ts";
import type { ClientStore, Tables } from "./storage/store.ts";

/** An account that can be written to. */
export interface Recipient {
  readonly account: Uint8Array; // account hash, 32 bytes
  readonly bundle: VerifiedBundle;
  /** One current key for each device that has one. */
  readonly sealingKeys: readonly VerifiedSealingKey[];
}

/** What this directory asks of a relay. */
export type DirectoryRelay = Pick<RelayClient, "getBundle" | "getSealingKeys">;

/** What a relay says when it is asked for keys; nothing of it is verified. */
type OfferedKeys = Awaited<ReturnType<DirectoryRelay["getSealingKeys"]>>;

/** Looks people up and remembers every bundle version it has seen. */
export class KeyDirectory {
  readonly #store: ClientStore;
  readonly #clock: Pick<Clock, "now">;
  /** Verified bundles by their hash: checking an ML-DSA signature for each message would cost 0.1 ms. */
  readonly #verified = new Map<string, VerifiedBundle>();
  #ahead: { relay: DirectoryRelay; account: Uint8Array; reply: Promise<OfferedKeys | null> } | null = null;

  constructor(store: ClientStore, clock: Pick<Clock, "now">) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Asks for an account's keys already now, while the relay is asked other things too; the next `lookUp` of it over the
   * same session takes the answer, once, and checks it as any other.
   */
  askAhead(relay: DirectoryRelay, account: Uint8Array): void {
    const reply = relay.getSealingKeys(account).catch(() => null); // `lookUp` asks again, and says what is wrong
    this.#ahead = { relay, account, reply };
  }

  /**
   * Bundle and sealing keys of an account. `no_such_recipient` when the relay has none, `account_ended` when it shows the
   * account's own word for that, `key_changed` when it offers older ones than known. Devices whose key has expired are left out.
   */
  async lookUp(relay: DirectoryRelay, account: Uint8Array): Promise<Recipient> {
    const reply = await this.#askedAhead(relay, account) ?? await relay.getSealingKeys(account);
    const who = formatAccountId(account);
    if (!reply.bundle) {
      if (reply.end && await keepEnd(this.#store, account, reply.end)) {
        throw new QightError("account_ended", `${who} deleted the account`, { hint: "Nobody reads there any more." });
      }
      throw new QightError("no_such_recipient", `The relay knows no ${who}`);
    }
    const bundle = await openBundle(reply.bundle, this.#clock.now());
    if (!equal(bundle.account, account)) {
      throw new QightError("bad_bundle", `The relay answered with another account than ${who}`);
    }
    await this.remember(bundle);
    const sealingKeys = await this.#currentKeys(bundle, reply.sealingKeys);
    return { account, bundle, sealingKeys };
  }

  /** Checks a bundle against what is known of its account, keeps it, and notes which devices came or went. */
  async remember(bundle: VerifiedBundle): Promise<void> {
    this.#cache(bundle);
    const known = await this.#store.read(({ directory }) => directory.latest(bundle.account));
    checkSuccessor(known, bundle);
    if (known?.version === bundle.version) return;
    const before = known ? await this.#open(known.bytes) : null;
    checkSuccessor(before, bundle);
    await this.#store.write((tables) => {
      const { directory } = tables;
      checkSuccessor(directory.latest(bundle.account), bundle);
      directory.putBundle(bundle);
      if (before) noteDeviceNews(tables, before, bundle);
    });
  }

  /** Keeps an older version that a message brought along; a version that is known with other content is refused. */
  async rememberOlder(bundle: VerifiedBundle): Promise<void> {
    this.#cache(bundle);
    await this.#store.write(({ directory }) => {
      checkSuccessor(directory.version(bundle.account, bundle.version), bundle);
      directory.putBundle(bundle);
    });
  }

  /** A known version of an account's bundle, or null. */
  async version(account: Uint8Array, version: number): Promise<VerifiedBundle | null> {
    const known = await this.#store.read(({ directory }) => directory.version(account, version));
    return known && await this.#open(known.bytes);
  }

  /** The newest version known of an account's bundle, or null. */
  async latest(account: Uint8Array): Promise<VerifiedBundle | null> {
    const known = await this.#store.read(({ directory }) => directory.latest(account));
    return known && await this.#open(known.bytes);
  }

  /** Like `latest`, inside a transaction. */
  async latestIn({ directory }: Pick<Tables, "directory">, account: Uint8Array): Promise<VerifiedBundle | null> {
    const known = directory.latest(account);
    return known && await this.#open(known.bytes);
  }

  /** The known versions from `version` on, rising. */
  async since(account: Uint8Array, version: number): Promise<VerifiedBundle[]> {
    const known = await this.#store.read(({ directory }) => directory.since(account, version));
    return await Promise.all(known.map(({ bytes }) => this.#open(bytes)));
  }

  async #askedAhead(relay: DirectoryRelay, account: Uint8Array): Promise<OfferedKeys | null> {
    const ahead = this.#ahead;
    if (ahead?.relay !== relay || !equal(ahead.account, account)) return null;
    this.#ahead = null;
    return await ahead.reply;
  }

  async #currentKeys(bundle: VerifiedBundle, offered: readonly Uint8Array[]): Promise<VerifiedSealingKey[]> {
    const nowMs = this.#clock.now();
    const keys = await Promise.all(offered.slice(0, MAX_OFFERED).map(openSealingKey));
    const current = keys.filter((key) =>
      equal(key.account, bundle.account) && bundle.devices.some((device) => equal(device.key, key.device)) &&
      key.expiresAtMs > nowMs
    );
    await this.#refuseOlder(bundle, current);
    if (current.length > 0) return current;
    throw new QightError("no_such_recipient", `${bundle.accountId} has no current sealing key at this relay`, {
      hint: "Ask them to run qight fetch with this relay once; keys last 45 days.",
    });
  }

  async #refuseOlder(bundle: VerifiedBundle, current: readonly VerifiedSealingKey[]): Promise<void> {
    const known = await this.#store.read(({ directory }) => current.map(({ device }) => directory.sealingKey(device)));
    const news = current.filter((key, i) => {
      const before = known[i];
      if (!before || key.createdAtMs > before.createdAtMs) return true;
      if (key.createdAtMs === before.createdAtMs && equal(key.keyId, before.keyId)) return false;
      throw new QightError("key_changed", `The relay offers an older sealing key of ${bundle.accountId} than before`);
    });
    if (news.length === 0) return;
    await this.#store.write(({ directory }) => {
      for (const key of news) directory.putSealingKey(key.device, key);
    });
  }

  async #open(bytes: Uint8Array): Promise<VerifiedBundle> {
    // What is in the store was verified before it went in; opening is needed for the device list alone.
    const key = bytes.subarray(-CACHE_KEY_BYTES).toHex();
    const cached = this.#verified.get(key);
    if (cached && equal(cached.bytes, bytes)) return cached;
    const bundle = await openBundle(bytes);
    this.#cache(bundle);
    return bundle;
  }

  #cache(bundle: VerifiedBundle): void {
    if (this.#verified.size >= MAX_CACHED) this.#verified.clear();
    this.#verified.set(bundle.bytes.subarray(-CACHE_KEY_BYTES).toHex(), bundle);
  }
}

// A bundle has at most 8 devices; a relay that offers more is not worth the verifications.
const MAX_OFFERED = 8;
const MAX_CACHED = 256;
// The end of a bundle is the end of its ML-DSA signature: as good as a hash to find it again.
const CACHE_KEY_BYTES = 32;
