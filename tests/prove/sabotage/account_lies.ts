/**
 * Lies about accounts: what a relay would do if one line that guards names, sessions or recovery were missing.
 * @module
 */
import type { Store } from "../../../relay/storage/store.ts";
import { instead } from "./instead.ts";

/** How late a change is made that was said to be made. */
const LATE_MS = 500;
/** By how much a login with a known name takes longer. */
const SLOW_MS = 10;

/** A new password leaves all other devices signed in. */
export function keepSessions(store: Store): Store {
  return withAccounts(store, {
    async setRecord(account, record, keep) {
      const before = await store.accounts.sessionsOf(account, Date.now());
      const done = await store.accounts.setRecord(account, record, keep);
      for (const session of before) await store.accounts.putSession(session);
      return done;
    },
  });
}

/** Says that recovery codes are kept, and keeps them a moment later. */
export function lateCodes(store: Store): Store {
  return withAccounts(store, {
    putRecovery(keeping) {
      const late = new Promise((resolve) => setTimeout(resolve, LATE_MS));
      late.then(() => store.accounts.putRecovery(keeping)).catch((error) => console.error(`kept after all? ${error}`));
      return Promise.resolve();
    },
  });
}

/** What a recovery code opened once it opens for ever, also for the relay that is started after a kill. */
export function codesStay(store: Store): Store {
  const memory = `${Deno.env.get("XDG_RUNTIME_DIR")}/codes`;
  return withAccounts(store, {
    async putRecovery(keeping) {
      await store.accounts.putRecovery(keeping);
      const lines = keeping.codes.map(({ locatorHash, wrapped }) =>
        [locatorHash, keeping.account, keeping.sealed, wrapped].map((bytes) => bytes.toHex()).join(" ")
      );
      Deno.writeTextFileSync(memory, lines.join("\n") + "\n", { append: true });
    },
    async recovery(hash) {
      const found = await store.accounts.recovery(hash);
      if (found) return found;
      const line = Deno.readTextFileSync(memory).split("\n").find((line) => line.startsWith(hash.toHex()));
      if (line === undefined) return null;
      const [account, sealed, wrapped] = line.split(" ").slice(1).map((hex) => Uint8Array.fromHex(hex));
      return { account, sealed, wrapped };
    },
  });
}

/** A name that somebody has takes longer to look up. */
export function slowForKnown(store: Store): Store {
  return withAccounts(store, {
    async named(folded) {
      const found = await store.accounts.named(folded);
      if (found) await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
      return found;
    },
  });
}

/** A login may be finished as often as somebody likes: its state is not taken away (relay/login_states.ts). */
export function reuseALogin(store: Store): Store {
  const remove = Map.prototype.delete;
  Map.prototype.delete = function (key) {
    return has(this.get(key), "peer", "state", "untilMs") || remove.call(this, key);
  };
  return store;
}

/** Whoever guesses never has to wait (relay/limits/login_tries.ts). */
export function guessFreely(store: Store): Store {
  const set = Map.prototype.set;
  Map.prototype.set = function (key, value) {
    return set.call(this, key, has(value, "count", "lastMs", "nextMs") ? { ...value, nextMs: 0 } : value);
  };
  return store;
}

function withAccounts(store: Store, lies: Partial<Store["accounts"]>): Store {
  return instead(store, { accounts: instead(store.accounts, lies) });
}

function has(value: unknown, ...names: string[]): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && names.every((name) => name in value);
}
