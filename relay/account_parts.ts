/**
 * What a relay needs for accounts with names and passwords, put together. In other modes all of it sleeps.
 * @module
 */
import { type Closures, openClosures } from "./closures.ts";
import { createLoginStates } from "./login_states.ts";
import { openOpaqueSetup } from "./opaque_setup.ts";
import { createPeerMemory } from "./peer_memory.ts";
import type { AccountRoom } from "./services/account_room.ts";
import { RECENT_LOGIN_MS } from "./services/password.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import type { Store } from "./storage/store.ts";

/** How long after its first step a registration may end, in milliseconds. */
const REGISTERING_MS = 60_000;

/** Sessions, closures, and what is remembered of logins under way. */
export interface AccountParts {
  readonly sessions: Sessions;
  readonly closures: Closures;
  readonly signingIn: Pick<AccountRoom, "logins" | "registering" | "recent" | "setup" | "root" | "enabled">;
}

/**
 * `now` is the relay's clock, `monotonic` never leaps; both in milliseconds. Where accounts are wanted the setup is made
 * or opened at once: throws `config` when another root key sealed it.
 */
export async function openAccountParts(
  { store, root, enabled, now, monotonic }: {
    store: Store;
    root: { readonly seed: Uint8Array; readonly publicKey: Uint8Array };
    enabled: () => boolean;
    now: () => number;
    monotonic: () => number;
  },
): Promise<AccountParts> {
  let opened: Promise<string> | null = null;
  // One that failed is asked for again: the next caller may find the disk well.
  const setup = () => opened ??= openOpaqueSetup(store.accounts, root.seed).catch(forget);
  const forget = (thrown: unknown): never => {
    opened = null;
    throw thrown;
  };
  if (enabled()) await setup();
  return {
    sessions: createSessions({ accounts: store.accounts, enabled, now }),
    closures: await openClosures(store.accounts, now),
    signingIn: {
      logins: createLoginStates(monotonic),
      registering: createPeerMemory(REGISTERING_MS, monotonic),
      recent: createPeerMemory(RECENT_LOGIN_MS, monotonic),
      setup,
      root: root.publicKey.toBase64({ alphabet: "base64url", omitPadding: true }),
      enabled,
    },
  };
}
