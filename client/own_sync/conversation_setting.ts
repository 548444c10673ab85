/**
 * What own devices tell each other of what was set for a conversation: that it is muted.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { MUTED, mutedUntilMs } from "../muted.ts";
import { type SyncedSetting, SyncedSettingSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import type { ConversationSetting, Tables } from "../storage/store.ts";
import { LATEST_MS } from "./contact.ts";

/** As it travels. */
export function syncedSetting({ conversation, name, value, changedAtMs }: ConversationSetting): SyncedSetting {
  return create(SyncedSettingSchema, { conversation, name, value, changedAtMs: BigInt(changedAtMs) });
}

/** Inside a transaction: takes what another device of the account said; what says nothing here is left out. */
export function takeSettings(
  { conversationSettings }: Pick<Tables, "conversationSettings">,
  settings: readonly SyncedSetting[],
): void {
  for (const { conversation, name, value, changedAtMs } of settings) {
    // A newer qight may know more settings; one that is not known here would only take up room.
    if (name !== MUTED || mutedUntilMs(value) === null) continue;
    if (conversation.length !== 32 || changedAtMs > LATEST_MS) continue;
    conversationSettings.heard({ conversation, name, value, changedAtMs: Number(changedAtMs) });
  }
}
