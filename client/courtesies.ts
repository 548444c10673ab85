/**
 * What is told now or not at all: that somebody is typing, that lines were read.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { type Content, ContentSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import type { Random } from "./clock.ts";
import { newMessageId } from "./message_id.ts";
import { deliverToGroup } from "./send_group.ts";
import type { SendRoom } from "./send_room.ts";
import type { GroupRow } from "./storage/store.ts";

/** How long the relay keeps it for a reader who is away, in seconds: nobody wants to know later who was typing. */
const TYPING_TTL_S = 60;
/** Ids in one message. */
const MOST_IDS = 1_000;

/** The conversation that is told, in which this device is active. */
export type Told = Pick<GroupRow, "group" | "kind" | "peer">;

/** Tells that the lines of these ids (16 bytes each) were read; ids beyond the first thousand are left out. */
export async function tellRead(
  room: SendRoom,
  told: Told,
  ids: readonly Uint8Array[],
  chance: { nowMs: number; random: Random },
): Promise<void> {
  const value = { delivered: [], read: ids.slice(0, MOST_IDS) };
  await tell(room, told, create(ContentSchema, { action: { case: "receipts", value } }), 0, chance);
}

/** Tells that one's own person began to type, or stopped. */
export async function tellTyping(
  room: SendRoom,
  told: Told,
  on: boolean,
  chance: { nowMs: number; random: Random },
): Promise<void> {
  const content = create(ContentSchema, { action: { case: "typing", value: { on } } });
  await tell(room, told, content, TYPING_TTL_S, chance);
}

async function tell(
  room: SendRoom,
  { group, kind: conversation, peer }: Told,
  content: Content,
  ttlS: number,
  { nowMs, random }: { nowMs: number; random: Random },
): Promise<void> {
  const id = newMessageId(nowMs, random);
  const draft = { id, createdAtMs: nowMs, ttlS, plaintext: false, content, conversation };
  const [frozen] = await room.outbox.freeze(room.author, { group, recipient: peer ?? group }, [draft]);
  try {
    const { error } = await deliverToGroup(room, frozen, true);
    if (error) throw error;
  } catch (thrown) {
    // Not kept for later.
    await room.outbox.discard(id);
    throw thrown;
  }
}
