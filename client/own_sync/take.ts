/**
 * Takes in what another device of the account said: contacts, how far was read, what conversations are set to, and that
 * there are recovery codes. History parts are kept to be imported.
 * @module
 */
import { toBinary } from "@bufbuild/protobuf";
import { equal } from "../../crypto/equal.ts";
import { type Content, FileSchema, type Sync } from "../../proto/gen/qight/v1/seal_pb.ts";
import { conversationOfGroup, conversationWith } from "../conversations.ts";
import { isPartOf } from "../history_move/part.ts";
import type { OwnContact, Tables } from "../storage/store.ts";
import { takeCodes } from "./codes.ts";
import { contactOf, LATEST_MS, newerContact } from "./contact.ts";
import { takeSettings } from "./conversation_setting.ts";

/** So many contacts, reads or settings fit one message; whoever sends more is no qight. */
export const MOST_ENTRIES = 1_000;

/** What came from which device of the own account, in the conversation that its devices have among themselves. */
export interface FromOwn {
  readonly content: Content;
  /** Own account hash and device key, 32 bytes each. */
  readonly own: { readonly account: Uint8Array; readonly device: Uint8Array };
  /** The device that said it. */
  readonly fromDevice: Uint8Array;
  /** The relay as dialled, and when it took the message, milliseconds since 1970. */
  readonly relay: string;
  readonly receivedAtMs: number;
  readonly nowMs: number;
  /** Whether lines are kept here at all. */
  readonly keepHistory: boolean;
}

/** What a person should know of it. */
export type OwnNews =
  /** Another device knows somebody else under a name that is taken here: they wait for a comparison of digits. */
  | { readonly type: "contact_offered"; readonly name: string; readonly account: Uint8Array }
  /** So many lines that nobody had looked at here were read on another device. */
  | { readonly type: "read_elsewhere"; readonly lines: number }
  /** A part of a history waits to be imported. */
  | { readonly type: "history_part"; readonly transfer: Uint8Array; readonly part: number; readonly parts: number };

/** Whether all of it may be taken in: nothing of a message with too many entries is. */
export function isBounded({ contacts, reads, settings }: Sync): boolean {
  return [contacts, reads, settings].every(({ length }) => length <= MOST_ENTRIES);
}

/** Inside the transaction that lets the message go: does what it says, as far as that is newer than what is known here. */
export function takeSync(tables: Tables, from: FromOwn): OwnNews[] {
  const { content: { sync }, own, fromDevice } = from;
  if (!sync || !isBounded(sync) || equal(fromDevice, own.device)) return [];
  const news: OwnNews[] = takeContacts(tables, sync, own.account);
  let lines = 0;
  for (const { conversation, readUntilMs } of sync.reads) {
    if (conversation.length !== 32 || readUntilMs > LATEST_MS) continue;
    const names = [conversationWith(conversation), conversationOfGroup(conversation)];
    lines += tables.ownChanges.putRead({ conversation, readUntilMs: Number(readUntilMs) }, names, {
      notedAtMs: from.receivedAtMs,
      nowMs: from.nowMs,
    });
  }
  if (lines > 0) news.push({ type: "read_elsewhere", lines });
  takeSettings(tables, sync.settings);
  takeCodes(tables, sync.settings, { account: own.account, relay: from.relay });
  return [...news, ...takeHistory(tables, from)];
}

function takeContacts(tables: Tables, { contacts }: Sync, ownAccount: Uint8Array): OwnNews[] {
  const { ownChanges } = tables;
  const newest = new Map<string, OwnContact>();
  for (const synced of contacts) {
    const said = contactOf(synced);
    if (!said || equal(said.account, ownAccount)) continue;
    const known = ownChanges.contact(said.account);
    if (known && newerContact(known, said) === known) continue;
    ownChanges.putContact(said);
    newest.set(said.account.toHex(), said);
  }
  const changed = [...newest.values()];
  // Names that become free first, so that whoever takes one over finds it free, in whatever order they stand.
  for (const contact of changed) if (contact.removed) drop(tables, contact);
  const waiting = new Map(changed.filter(({ removed }) => !removed).map((one) => [one.account.toHex(), one]));
  if (changed.length > 0) { for (const one of ownChanges.unnamed()) waiting.set(one.account.toHex(), one); }
  // Somebody who is renamed may leave a name to the next.
  for (let before = Infinity; waiting.size > 0 && waiting.size < before;) {
    before = waiting.size;
    for (const [key, contact] of waiting) if (pin(tables, contact)) waiting.delete(key);
  }
  const fresh = new Set(changed.map(({ account }) => account.toHex()));
  return [...waiting.values()].flatMap((contact) => fresh.has(contact.account.toHex()) ? offer(tables, contact) : []);
}

function drop({ contacts, ownChanges }: Tables, contact: OwnContact): void {
  const known = contacts.ofAccount(contact.account);
  if (!known) return;
  contacts.remove(known.name);
  // The trigger took it for a change that was made here.
  ownChanges.putContact(contact);
}

/** Gives the account its name here; false when the name is somebody else's. */
function pin({ contacts, ownChanges }: Tables, contact: OwnContact): boolean {
  const { name, account, verified, blocked, addedAtMs } = contact;
  const present = contacts.get(name);
  if (present && !equal(present.account, account)) return false;
  const known = contacts.ofAccount(account);
  if (known && known.name !== name) contacts.remove(known.name);
  contacts.put({ name, account, verified, blocked, addedAtMs, offered: known?.offered ?? null });
  ownChanges.putContact(contact);
  return true;
}

/** A name means here whom it meant: the other one waits until digits are compared. What else was said of them counts. */
function offer({ contacts, ownChanges }: Tables, contact: OwnContact): OwnNews[] {
  const { name, account, verified, blocked } = contact;
  const present = contacts.get(name);
  const known = contacts.ofAccount(account);
  if (known) contacts.put({ ...known, verified, blocked });
  if (present) contacts.put({ ...present, offered: account });
  ownChanges.putContact(contact);
  return present ? [{ type: "contact_offered", name: present.name, account }] : [];
}

function takeHistory({ historyMoves }: Tables, { content, own, relay, keepHistory }: FromOwn): OwnNews[] {
  const history = content.sync?.history;
  if (!keepHistory || !history || !isPartOf(history, own.device) || content.files.length !== 1) return [];
  const { transfer, part, parts, lines } = history;
  const file = toBinary(FileSchema, content.files[0]);
  const kept = historyMoves.arrived({ transfer, part, parts, lines: Number(lines), relay, file });
  return kept ? [{ type: "history_part", transfer, part, parts }] : [];
}
