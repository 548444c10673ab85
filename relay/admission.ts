/**
 * Whom the relay admits: everyone, holders of a token, or accounts on a list; never those on the deny list.
 * @module
 */
import { parseAccountId } from "../crypto/account.ts";
import type { VerifiedBundle } from "../crypto/bundle.ts";
import { equal } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";
import type { RelayConfig } from "./config.ts";
import type { Store } from "./storage/store.ts";
import { tokenHash } from "./tokens.ts";

/** What a session offers when it asks to be admitted. */
export interface Credentials {
  readonly device: Uint8Array | null;
  readonly token: string;
  /** The bundle sent in HELLO, verified; a device counts through it when it has not published yet. */
  readonly bundle: VerifiedBundle | null;
}

/** Decides who may come in. */
export interface Admission {
  /** Null when admitted, else the typed reason. */
  refusal(credentials: Credentials): Promise<QightError | null>;
  /** Throws `not_allowed` when this account may not publish here. */
  checkAccount(account: Uint8Array): Promise<void>;
}

/** Admission by the relay's configuration, its tokens and its lists. */
export function createAdmission(
  { auth, store, now, fileTokens }: {
    auth: () => RelayConfig["auth"];
    store: Store;
    now: () => number;
    /** Hashes of the tokens in `auth.tokens_file`. */
    fileTokens: () => readonly Uint8Array[];
  },
): Admission {
  async function accountOf(device: Uint8Array | null, bundle: VerifiedBundle | null): Promise<Uint8Array | null> {
    if (!device) return null;
    const published = await store.bundleOfDevice(device);
    if (published) return published.account;
    return bundle?.devices.some(({ key }) => equal(key, device)) ? bundle.account : null;
  }

  async function tokenIsValid(token: string): Promise<boolean> {
    if (token === "") return false;
    const hash = await tokenHash(token);
    const stored = (await store.tokens()).filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > now());
    // Every one is compared, so the time says nothing about which one matched.
    let valid = false;
    for (const known of [...stored.map((row) => row.hash), ...fileTokens()]) valid = equal(known, hash) || valid;
    return valid;
  }

  const lists = (entries: readonly string[], account: Uint8Array) =>
    entries.some((entry) => equal(parseAccountId(entry), account));

  async function isAllowed(account: Uint8Array): Promise<boolean> {
    if (lists(auth().allow, account)) return true;
    return (await store.allowedAccounts()).some((row) => equal(row.account, account));
  }

  return {
    async refusal({ device, token, bundle }) {
      const account = await accountOf(device, bundle);
      if (account && lists(auth().deny, account)) {
        return new QightError("not_allowed", "This relay denies this account");
      }
      const mode = auth().mode;
      if (mode === "token" && !await tokenIsValid(token)) return new QightError("bad_token");
      if (mode === "allowlist" && !(account && await isAllowed(account))) {
        return new QightError("not_allowed", "This account is not on the relay's allow list");
      }
      return null;
    },
    async checkAccount(account) {
      if (lists(auth().deny, account)) throw new QightError("not_allowed", "This relay denies this account");
      if (auth().mode === "allowlist" && !await isAllowed(account)) {
        throw new QightError("not_allowed", "This account is not on the relay's allow list");
      }
    },
  };
}
