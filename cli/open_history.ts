/** The own history without a relay: store, names and lines. @module */
import { systemClock } from "../client/clock.ts";
import { Contacts } from "../client/contacts.ts";
import { Conversations } from "../client/conversations.ts";
import { History } from "../client/history.ts";
import type { ClientStore } from "../client/storage/store.ts";
import { type Identity, openIdentity } from "./identity.ts";
import { openStore } from "./messenger.ts";
import type { Output } from "./output.ts";
import type { Settings } from "./settings.ts";
import { groupTitles } from "./where.ts";

/** What looking at history needs. */
export interface OpenedHistory extends AsyncDisposable {
  readonly identity: Identity;
  /** Own account hash, 32 bytes. */
  readonly own: Uint8Array;
  readonly store: ClientStore;
  readonly contacts: Contacts;
  readonly conversations: Conversations;
  readonly history: History;
}

/** Opens key file and store; what was opened is closed at the end. */
export async function openHistory(settings: Settings, out: Output): Promise<OpenedHistory> {
  const identity = await openIdentity(settings, out);
  const store = await openStore(settings, identity);
  const own = identity.account.hash;
  const contacts = new Contacts(store, systemClock);
  return {
    identity,
    own,
    store,
    contacts,
    conversations: new Conversations({ store, contacts, own, groupTitles: groupTitles(store) }),
    history: new History({ store, clock: systemClock, own: { account: own, device: identity.device.publicKey } }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
