/**
 * The word of a relay that this device is signed in: kept in the encrypted store, shown at HELLO.
 * @module
 */
import type { ClientStore, Tables } from "../storage/store.ts";

const PREFIX = "session ";

/** The token for a relay (its name as dialled), or null when this device is not signed in there. */
export async function sessionToken(store: ClientStore, relay: string): Promise<string | null> {
  const bytes = await store.read(({ meta }) => meta.get(PREFIX + relay));
  return bytes && bytes.length > 0 ? new TextDecoder().decode(bytes) : null;
}

/** Inside a transaction: keeps a token; an empty one, of a relay without passwords, is none. */
export function keepSession({ meta }: Pick<Tables, "meta">, relay: string, token: string): void {
  if (token !== "") meta.put(PREFIX + relay, new TextEncoder().encode(token));
}

/** Inside a transaction: forgets the token for a relay; with `only` unless it is another one by now. */
export function forgetSession({ meta }: Pick<Tables, "meta">, relay: string, only?: string): void {
  const known = meta.get(PREFIX + relay);
  if (!known || (only !== undefined && new TextDecoder().decode(known) !== only)) return;
  // Not `removeAll`, which takes the beginning of a name: host:443 is one of host:4433.
  meta.put(PREFIX + relay, new Uint8Array(0));
}
