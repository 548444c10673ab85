/**
 * What the group engine works with, handed in: store, directory, identity, a way to the relay, time and chance.
 * @module
 */
import type { Signer } from "../../crypto/ed25519.ts";
import type { Clock, Random } from "../clock.ts";
import type { KeyDirectory } from "../directory.ts";
import { GroupCalls } from "../group_calls.ts";
import type { RelaySource } from "../reconnect.ts";
import type { RelayClient } from "../relay_client.ts";
import type { ClientStore, Tables } from "../storage/store.ts";
import type { GroupEvent } from "./events.ts";
import type { GroupStates } from "./states.ts";

/** One identity's groups at one relay. */
export interface GroupRoom {
  /** Sessions with the relay; asked only when the network is needed. */
  readonly source: RelaySource;
  /** The relay's name as dialled (`dialledName`). */
  readonly relay: string;
  readonly store: ClientStore;
  readonly directory: KeyDirectory;
  /** Own account hash, 32 bytes, and the device that speaks for it. */
  readonly account: Uint8Array;
  readonly signer: Signer;
  readonly states: GroupStates;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a change may go on trying, milliseconds. */
  readonly timeoutMs: number;
  /** Groups that somebody adds this device to wait for a yes. */
  readonly askFirst: boolean;
  /** MLS cipher suite of new groups. */
  readonly suite: 83 | 1;
  /**
   * Hears in the transaction that adopts an own change what it did, before anything is said after it; readers are told
   * as of all other events.
   */
  readonly onOwnChange?: ((tables: Tables, events: readonly GroupEvent[]) => void) | undefined;
}

/** The relay's calls about groups, over the session that lives now. */
export async function callsOf(room: Pick<GroupRoom, "source">): Promise<{ calls: GroupCalls; client: RelayClient }> {
  const client = await room.source.client();
  return { calls: new GroupCalls(client.rpc), client };
}
