/**
 * Keeps the devices of one account in step: what changed here is told to the others, what they sent is taken in.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { equal } from "../crypto/equal.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { ContentSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import { syncedContact } from "./own_sync/contact.ts";
import { codesSetting } from "./own_sync/codes.ts";
import { syncedSetting } from "./own_sync/conversation_setting.ts";
import { isUntold, TOLD_DEVICES, unknownTo } from "./own_sync/due.ts";
import { ownDraft, type OwnRoom, sayToOwn } from "./own_sync/room.ts";
import type { Connected, Participant, StepOptions } from "./participant.ts";
import type { ArrivedMove, Tables } from "./storage/store.ts";

export { type FromOwn, isBounded, MOST_ENTRIES, type OwnNews, takeSync } from "./own_sync/take.ts";
export { type OwnRoom } from "./own_sync/room.ts";

/** So many contacts, reads and settings in one message: names of 64 letters in any script still fit what every relay takes. */
const BATCH = 400;

/** What this device says to the others of its account, over a session of `participant`. */
export function ownRoomOf(participant: Participant, room: Connected): OwnRoom {
  const { store, clock, relayName, self: { account, signer } } = participant;
  const { random } = participant.groupRoom({ client: () => Promise.resolve(room.relay) });
  const { groups } = room;
  if (!groups) throw new QightError("invariant", "This session knows no conversations");
  const openOwn = () => groups.direct(account.hash);
  return { room, store, clock, random, relayName, account: account.hash, device: signer.publicKey, openOwn };
}

/**
 * Tells the own other devices (keys) what they do not know yet, in as few messages as it fits; a device that is new in their
 * conversation is told everything. Answers how much was told. Throws what the relay threw: all of it is told again then.
 */
export async function tellOwn(own: OwnRoom, others: readonly Uint8Array[]): Promise<number> {
  const { store, room, relayName } = own;
  const groups = room.groups!;
  const group = await own.openOwn();
  if ((await groups.absent(group, others)).length > 0) await groups.complete(group);
  const absent = new Set((await groups.absent(group, others)).map((device) => device.toHex()));
  const present = others.filter((device) => !absent.has(device.toHex()));
  if (present.length === 0) return 0;
  const isNew = await store.read(({ meta }) => unknownTo(meta, present));
  if (isNew) await store.write(dirtyAll);
  let told = 0;
  for (;;) {
    const { contacts, reads, settings, codes } = await store.read((tables) => {
      const { ownChanges, conversationSettings, recoveryMarks } = tables;
      const dirty = { ...ownChanges.dirty(BATCH), settings: conversationSettings.dirty(BATCH) };
      // Last: whoever knows of codes renews what they bring back, and has to know all of it first.
      const isLast = dirty.contacts.length < BATCH;
      return { ...dirty, codes: isLast ? recoveryMarks.untold(relayName) : null };
    });
    const count = contacts.length + reads.length + settings.length + (codes ? 1 : 0);
    if (count === 0) break;
    const sync = {
      contacts: contacts.map(syncedContact),
      reads: reads.map(({ conversation, readUntilMs }) => ({ conversation, readUntilMs: BigInt(readUntilMs) })),
      settings: [...settings.map(syncedSetting), ...codes ? [codesSetting(own.account, codes)] : []],
    };
    await sayToOwn(own, group, ownDraft(own, create(ContentSchema, { sync })));
    await store.write(({ ownChanges, conversationSettings, recoveryMarks }) => {
      ownChanges.told(contacts, reads);
      conversationSettings.told(settings);
      if (codes) recoveryMarks.told(relayName, codes.madeAtMs);
    });
    told += count;
  }
  if (isNew) await store.write(({ meta }) => meta.put(TOLD_DEVICES, joined(present)));
  return told;
}

/**
 * Does what `isDue` found: tells the others (device keys), goes on with a history that was not sent to its end, and imports
 * one that waits. Answers the moves that came to their end here. What fails is tried again with the next session, and said
 * only as a detail: no command is about it.
 */
export async function keepInStep(
  participant: Participant,
  room: Connected,
  others: readonly Uint8Array[],
  options: StepOptions = {},
): Promise<ArrivedMove[]> {
  const { store, relayName } = participant;
  const { histories = false, signal } = options;
  try {
    if (await store.read((tables) => isUntold(tables, relayName, others))) {
      const told = await tellOwn(ownRoomOf(participant, room), others);
      if (told > 0) participant.detail(`told the other devices of this account what changed here (${told})`);
    }
    if (!histories) return [];
    const going = await store.read(({ historyMoves }) => historyMoves.unfinished(relayName));
    for (const device of going) await goOn(participant, room, { device, others, options });
    if (!await store.read(({ historyMoves }) => historyMoves.waits(relayName))) return [];
    const { importHistory } = await import("./history_move/import.ts");
    const detail = (text: string) => participant.detail(text);
    return await importHistory({ store, relay: room.relay, relayName, detail, ...options });
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    participant.detail(`the devices of this account are not in step yet: ${asQightError(thrown).message}`);
    return [];
  }
}

/** A move that was not sent to its end goes on; one to a device that is off the list is forgotten. */
async function goOn(
  participant: Participant,
  room: Connected,
  { device, others, options }: { device: Uint8Array; others: readonly Uint8Array[]; options: StepOptions },
): Promise<void> {
  if (!others.some((other) => equal(other, device))) {
    return await participant.store.write(({ historyMoves }) => historyMoves.drop(device));
  }
  const { sendHistory } = await import("./history_move.ts");
  const { lines } = await sendHistory({ own: ownRoomOf(participant, room), toDevice: device, ...options });
  participant.detail(`a history of ${lines} lines went to another device of this account`);
}

function dirtyAll({ ownChanges, conversationSettings, recoveryMarks }: Tables): void {
  ownChanges.dirtyAll();
  conversationSettings.dirtyAll();
  recoveryMarks.tellAgain();
}

function joined(keys: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(keys.flatMap((key) => [...key]));
}
