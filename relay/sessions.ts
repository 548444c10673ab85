/**
 * Sessions of devices that signed in (auth.mode = "account"): a random token for one device of one account, of which the
 * relay keeps a hash. A token is worth nothing without the device's key, since HELLO asks for both.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import type { CallContext } from "./dispatch.ts";
import type { Peer } from "./peer.ts";
import type { AccountStore, StoredSession } from "./storage/account_store.ts";
import { tokenHash } from "./tokens.ts";

/** How long a session lives without being used, in milliseconds. */
export const SESSION_MS = 30 * 24 * 3600_000;
/** A use moves the end on, written at most once in so many milliseconds. */
const TOUCH_MS = 3600_000;
const PREFIX = "qsess_"; // a typed prefix lets people and leak scanners tell what it is
const TOKEN = /^qsess_[A-Za-z0-9_-]{43}$/;

/** A fresh session; `token` is for the device alone. */
export interface MadeSession {
  readonly token: string;
  readonly stored: StoredSession;
}

/** Sessions of one relay. */
export interface Sessions {
  /** A session to be stored together with something else; null where the relay has no accounts with passwords. */
  make(device: Uint8Array, account: Uint8Array): MadeSession | null;
  /** A session in place of the one that the device had; as SessionResponse has it, empty where there are no accounts. */
  issue(device: Uint8Array, account: Uint8Array): Promise<{ sessionToken: string; expiresAtMs: bigint }>;
  /** Whether this token is a live session of exactly this device in this account; a use moves its end on. */
  admits(token: string, device: Uint8Array, account: Uint8Array): Promise<boolean>;
  /** Moves the ends of sessions on whose devices are connected: being here is use. */
  renew(peers: Iterable<Peer>): Promise<void>;
}

/** `now` is the relay's clock in milliseconds. */
export function createSessions(
  { accounts, enabled, now }: {
    accounts: Pick<AccountStore, "session" | "putSession" | "touchSession">;
    /** Whether the relay has accounts with passwords. */
    enabled: () => boolean;
    now: () => number;
  },
): Sessions {
  function make(device: Uint8Array, account: Uint8Array): MadeSession | null {
    if (!enabled()) return null;
    const random = crypto.getRandomValues(new Uint8Array(32));
    const token = PREFIX + random.toBase64({ alphabet: "base64url", omitPadding: true });
    const createdAtMs = now();
    return {
      token,
      stored: { tokenHash: tokenHash(token), device, account, createdAtMs, expiresAtMs: createdAtMs + SESSION_MS },
    };
  }

  return {
    make,
    async issue(device, account) {
      const made = make(device, account);
      if (made) await accounts.putSession(made.stored);
      return sessionAnswer(made);
    },
    async admits(token, device, account) {
      if (!TOKEN.test(token)) return false;
      // Looked up by the hash of 256 random bits: how long that takes tells nothing that helps to find one.
      const stored = await accounts.session(tokenHash(token));
      const nowMs = now();
      if (!stored || stored.expiresAtMs <= nowMs) return false;
      if (!equal(stored.device, device) || !equal(stored.account, account)) return false;
      if (nowMs + SESSION_MS - stored.expiresAtMs >= TOUCH_MS) {
        await accounts.touchSession(stored.tokenHash, nowMs + SESSION_MS);
      }
      return true;
    },
    async renew(peers) {
      if (!enabled()) return;
      const live = new Map<string, Uint8Array>();
      for (const { session } of peers) {
        if (session?.signedIn && !session.refusal) live.set(session.signedIn.toHex(), session.signedIn);
      }
      const expiresAtMs = now() + SESSION_MS;
      await Promise.all([...live.values()].map((hash) => accounts.touchSession(hash, expiresAtMs)));
    },
  };
}

/** A made session as SessionResponse says it. */
export function sessionAnswer(made: MadeSession | null): { sessionToken: string; expiresAtMs: bigint } {
  return { sessionToken: made?.token ?? "", expiresAtMs: BigInt(made?.stored.expiresAtMs ?? 0) };
}

/**
 * The device of this connection was just given this token: its session counts as admitted from now on. Throws why it was
 * ended while the call ran: whoever was revoked or suspended at that moment stays out, and never learns the token.
 */
export function admitPeer({ peer, served }: Pick<CallContext, "peer" | "served">, token: string): void {
  if (served.reason) throw served.reason;
  if (peer.session) peer.session = { ...peer.session, refusal: null, ...signedInBy(token) };
}

/** What a connection remembers of the token that it came with. */
export function signedInBy(token: string): { readonly signedIn?: Uint8Array } {
  return TOKEN.test(token) ? { signedIn: tokenHash(token) } : {};
}
