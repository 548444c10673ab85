/**
 * Tells a group that one leaves it.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { ContentSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import { type Clock, systemRandom } from "./clock.ts";
import { newMessageId } from "./message_id.ts";
import { sendMessage, type SendRoom } from "./send.ts";

/** Sends `Left`, after which the next member that may removes the leaves of this account. */
export async function sayLeft({ clock }: { readonly clock: Clock }, room: SendRoom, group: Uint8Array): Promise<void> {
  const createdAtMs = clock.now();
  const content = create(ContentSchema, { action: { case: "left", value: {} } });
  const id = newMessageId(createdAtMs, systemRandom);
  const { error } = await sendMessage(room, group, {
    id,
    createdAtMs,
    content,
    ttlS: 0,
    plaintext: false,
    conversation: "group",
  });
  // Nobody else may be in it any more, or all mailboxes are full: the relay is told all the same.
  if (error && error.exit !== 75 && error.exit !== 67) throw error;
}
