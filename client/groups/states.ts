/**
 * States of groups, loaded from and saved to the store inside a transaction; decoded ones are used again while they are
 * what is on disk.
 * @module
 */
import type { GroupState } from "../../crypto/mls/state.ts";
import type { Random } from "../clock.ts";
import type { GroupParts, GroupRow, Tables } from "../storage/store.ts";

/** A group with its state. */
export interface LoadedGroup {
  readonly row: GroupRow;
  readonly state: GroupState;
}

type Groups = Pick<Tables, "groups">;

/** Loaded with the first state: whoever only sends sealed mail has none. */
const sealing = () => import("../../crypto/mls/state.ts");

/** So many decoded states stay in memory; one of 250 members has some megabytes. */
const MAX_CACHED = 16;

/**
 * Loads and saves. A decoded state counts only while the row on disk carries the stamp it was saved or loaded under: a
 * transaction that fails, or another process that saves, leaves another stamp there.
 */
export class GroupStates {
  readonly #random: Random;
  readonly #cache = new Map<string, { stamp: string; state: GroupState }>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Row and state; null when the group is not known or keeps no state. */
  async load({ groups }: Groups, relay: string, group: Uint8Array): Promise<LoadedGroup | null> {
    const row = groups.get(relay, group);
    if (!row) return null;
    const name = nameOf(row);
    const cached = this.#cache.get(name);
    if (cached?.stamp === row.stamp.toHex()) return { row, state: cached.state };
    const parts = groups.parts(relay, group);
    if (!parts) return null;
    const { decodeState } = await sealing();
    const state = await decodeState(parts);
    this.#remember(row, state);
    return { row, state };
  }

  /** Saves a state after a message was sealed or opened: the epoch is the same. Gives the row as it is now. */
  async saveMessage({ groups }: Groups, row: GroupRow, state: GroupState): Promise<GroupRow> {
    const { encodeState } = await sealing();
    const { messagePart } = encodeState(state);
    const saved = { ...row, stamp: this.#random(8) };
    groups.putMessagePart(row.relay, row.group, saved.stamp, messagePart);
    this.#remember(saved, state);
    return saved;
  }

  /** Saves row and state after anything else. Gives the row as it is now. */
  async save({ groups }: Groups, row: Omit<GroupRow, "stamp">, state: GroupState): Promise<GroupRow> {
    const { encodeState } = await sealing();
    const saved = { ...row, stamp: this.#random(8) };
    groups.put(saved, encodeState(state));
    this.#remember(saved, state);
    return saved;
  }

  /** Saves a row with a state that is encoded already. */
  saveParts({ groups }: Groups, row: Omit<GroupRow, "stamp">, parts: GroupParts): void {
    groups.put({ ...row, stamp: this.#random(8) }, parts);
  }

  /** Saves a row whose state goes, or stays as it is. */
  saveRow({ groups }: Groups, row: Omit<GroupRow, "stamp">, state: "erase" | "keep"): GroupRow {
    const saved = { ...row, stamp: this.#random(8) };
    if (state === "erase") {
      this.#cache.delete(nameOf(row));
      groups.put(saved, null);
    } else {
      const cached = this.#cache.get(nameOf(row));
      const before = groups.get(row.relay, row.group);
      groups.put(saved);
      if (cached && cached.stamp === before?.stamp.toHex()) this.#remember(saved, cached.state);
    }
    return saved;
  }

  #remember(row: GroupRow, state: GroupState): void {
    const name = nameOf(row);
    this.#cache.delete(name);
    this.#cache.set(name, { stamp: row.stamp.toHex(), state });
    if (this.#cache.size > MAX_CACHED) this.#cache.delete(this.#cache.keys().next().value!);
  }
}

function nameOf({ relay, group }: Pick<GroupRow, "relay" | "group">): string {
  return `${group.toHex()} ${relay}`;
}
