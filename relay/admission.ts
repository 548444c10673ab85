/**
 * Whom the relay admits: everyone, holders of a token, accounts on a list, or devices that signed in; never those on the
 * deny list, nor whom the operator has closed.
 * @module
 */
import { parseAccountId } from "../crypto/account.ts";
import type { VerifiedBundle } from "../crypto/bundle.ts";
import { equal } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";
import type { Closures } from "./closures.ts";
import type { RelayConfig } from "./config.ts";
import { listedDevice } from "./listed_device.ts";
import type { Sessions } from "./sessions.ts";
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
  { auth, store, sessions, closures, now, fileTokens }: {
    auth: () => RelayConfig["auth"];
    store: Store;
    sessions: Pick<Sessions, "admits">;
    closures: Pick<Closures, "refusal">;
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

  // Names and passwords: a listed device, by the account's own signature, with a live session of just this device.
  async function signedIn({ device, token, bundle }: Credentials): Promise<QightError | null> {
    if (!device) return new QightError("login_needed", "This relay is for devices that have signed in");
    const listed = await listedDevice(store, device);
    if (listed) {
      return await sessions.admits(token, device, listed.account) ? null : new QightError("login_needed");
    }
    const claimed = bundle?.devices.some(({ key }) => equal(key, device)) ? bundle.account : null;
    if (claimed && await store.accounts.ended(claimed)) return new QightError("account_ended");
    if (claimed && await store.bundleOfAccount(claimed)) return new QightError("not_listed");
    return new QightError("login_needed");
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
    async refusal(credentials) {
      const { device, token, bundle } = credentials;
      const account = await accountOf(device, bundle);
      if (account && lists(auth().deny, account)) {
        return new QightError("not_allowed", "This relay denies this account");
      }
      const closed = account && closures.refusal(account);
      if (closed) return closed;
      const mode = auth().mode;
      if (mode === "account") return await signedIn(credentials);
      if (mode === "token" && !await tokenIsValid(token)) return new QightError("bad_token");
      if (mode === "allowlist" && !(account && await isAllowed(account))) {
        return new QightError("not_allowed", "This account is not on the relay's allow list");
      }
      return null;
    },
    async checkAccount(account) {
      const closed = closures.refusal(account);
      if (closed) throw closed;
      if (lists(auth().deny, account)) throw new QightError("not_allowed", "This relay denies this account");
      if (auth().mode === "allowlist" && !await isAllowed(account)) {
        throw new QightError("not_allowed", "This account is not on the relay's allow list");
      }
    },
  };
}
