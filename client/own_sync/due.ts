/**
 * Whether the own other devices have anything to hear: asked by every command that has a session, so it costs one read.
 * @module
 */
import type { Signer } from "../../crypto/ed25519.ts";
import { equal } from "../../crypto/equal.ts";
import type { ClientStore, MetaTable, Tables } from "../storage/store.ts";

/** Under this name the store keeps the keys of the devices that were told everything, one after the other. */
export const TOLD_DEVICES = "own devices in step";

/** Of an account's devices (keys) all but this one. */
export function otherDevices(devices: readonly Uint8Array[], { publicKey }: Signer): Uint8Array[] {
  return devices.filter((key) => !equal(key, publicKey));
}

/** Whether any of these devices was never told everything. */
export function unknownTo(meta: MetaTable, devices: readonly Uint8Array[]): boolean {
  const told = meta.get(TOLD_DEVICES) ?? new Uint8Array(0);
  const known = new Set<string>();
  for (let at = 0; at < told.length; at += 32) known.add(told.subarray(at, at + 32).toHex());
  return devices.some((device) => !known.has(device.toHex()));
}

/** Whether the others have to be told of anything over this relay, as dialled. */
export function isUntold(
  { ownChanges, conversationSettings, recoveryMarks, meta }: Tables,
  relayName: string,
  others: readonly Uint8Array[],
): boolean {
  return ownChanges.isDirty() || conversationSettings.isDirty() || recoveryMarks.untold(relayName) !== null ||
    unknownTo(meta, others);
}

/** Whether the others have to be told of changes, or a history waits to go there or to be taken in here. */
export async function isDue(store: ClientStore, relayName: string, others: readonly Uint8Array[]): Promise<boolean> {
  if (others.length === 0) return false;
  return await store.read((tables) =>
    isUntold(tables, relayName, others) || tables.historyMoves.waits(relayName) ||
    tables.historyMoves.unfinished(relayName).length > 0
  );
}
