/**
 * Tells contacts that what they said in a conversation has reached this device: one message for all of a page.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { describe } from "../crypto/mls/state.ts";
import { asQightError, type QightError } from "../proto/errors.ts";
import { ContentSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import type { Clock, Random } from "./clock.ts";
import type { Arrivals } from "./inbox_options.ts";
import type { InboxMessage } from "./inbox_events.ts";
import type { GroupStates } from "./groups/states.ts";
import { newMessageId } from "./message_id.ts";
import type { RelayClient } from "./relay_client.ts";
import { deliverToGroup } from "./send_group.ts";
import type { SendRoom } from "./send_room.ts";
import type { ClientStore } from "./storage/store.ts";

/** In a larger group everybody would hear from everybody of each message. */
export const MOST_DEVICES = 20;
/** Ids in one message. */
const MOST_IDS = 1_000;

/** What telling needs. */
export interface DeliveryReceiptsOptions {
  readonly room: Omit<SendRoom, "relay" | "receipts">;
  readonly store: ClientStore;
  readonly states: GroupStates;
  /** The relay as dialled. */
  readonly relayName: string;
  /** Own account hash, 32 bytes. */
  readonly account: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears of what could not be told. */
  readonly onError?: (error: QightError) => void;
}

interface Due {
  readonly group: Uint8Array;
  readonly conversation: "direct" | "group";
  /** Under which the outbox keeps it: the peer's account hash, or the group id. */
  readonly recipient: Uint8Array;
  readonly ids: Uint8Array[];
}

/** Gathers what was shown, and tells it. */
export class DeliveryReceipts implements Arrivals {
  readonly #options: DeliveryReceiptsOptions;
  #waiting: InboxMessage[] = [];

  constructor(options: DeliveryReceiptsOptions) {
    this.#options = options;
  }

  arrived(messages: readonly InboxMessage[]): void {
    const own = this.#options.account.toHex();
    this.#waiting.push(...messages.filter(({ via, from }) => via === "mls" && from.toHex() !== own));
  }

  async tell(relay: RelayClient): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    try {
      for (const due of await this.#due(waiting)) {
        while (due.ids.length > 0) await this.#send(relay, { ...due, ids: due.ids.splice(0, MOST_IDS) });
      }
    } catch (thrown) {
      this.#options.onError?.(asQightError(thrown));
    }
  }

  /** One entry for each conversation that somebody said something in who is a contact. */
  async #due(messages: readonly InboxMessage[]): Promise<Due[]> {
    const { store, states, relayName } = this.#options;
    const due = new Map<string, Due>();
    // A transaction only because decoding a state awaits, and nobody may save in between.
    await store.write(async (tables) => {
      for (const { from, id, in: where } of messages) {
        if (!tables.contacts.ofAccount(from)) continue;
        const row = where.kind === "group"
          ? tables.groups.get(relayName, where.group)
          : tables.groups.ofPeer(relayName, where.peer);
        if (row?.status !== "active") continue;
        const name = row.group.toHex();
        const known = due.get(name);
        if (known) {
          known.ids.push(id);
          continue;
        }
        const loaded = await states.load(tables, relayName, row.group);
        if (!loaded || describe(loaded.state).members.length > MOST_DEVICES) continue;
        due.set(name, { group: row.group, conversation: row.kind, recipient: row.peer ?? row.group, ids: [id] });
      }
    });
    return [...due.values()];
  }

  /** A courtesy: what does not go out now is not kept for later. */
  async #send(relay: RelayClient, { group, conversation, recipient, ids }: Due): Promise<void> {
    const { room, clock, random } = this.#options;
    const createdAtMs = clock.now();
    const content = create(ContentSchema, { action: { case: "receipts", value: { delivered: ids } } });
    const draft = {
      id: newMessageId(createdAtMs, random),
      createdAtMs,
      ttlS: 0,
      plaintext: false,
      content,
      conversation,
    };
    const [frozen] = await room.outbox.freeze(room.author, { group, recipient }, [draft]);
    try {
      const { error } = await deliverToGroup({ ...room, relay }, frozen, true);
      if (error) throw error;
    } catch (thrown) {
      await room.outbox.discard(draft.id);
      throw thrown;
    }
  }
}
