/**
 * What own devices tell each other of recovery codes: that there are some, so that each keeps fresh what they bring back.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { equal } from "../../crypto/equal.ts";
import { type SyncedSetting, SyncedSettingSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import type { RecoveryMark, Tables } from "../storage/store.ts";
import { LATEST_MS } from "./contact.ts";

/** A setting of the account itself, at the relay over which it is told. Its value is the account's name there. */
const RECOVERY_CODES = "recovery codes";
/** Characters of a name at a relay: 32, and room. */
const LONGEST_NAME = 64;

/** As it travels, for the account (hash). */
export function codesSetting(account: Uint8Array, { name, madeAtMs }: RecoveryMark): SyncedSetting {
  const about = { conversation: account, name: RECOVERY_CODES, value: name };
  return create(SyncedSettingSchema, { ...about, changedAtMs: BigInt(madeAtMs) });
}

/** Inside a transaction: takes what another device of the account (hash) said over a relay, as dialled. */
export function takeCodes(
  { recoveryMarks }: Pick<Tables, "recoveryMarks">,
  settings: readonly SyncedSetting[],
  { account, relay }: { readonly account: Uint8Array; readonly relay: string },
): void {
  for (const { conversation, name, value, changedAtMs } of settings) {
    if (name !== RECOVERY_CODES || !equal(conversation, account)) continue;
    if (changedAtMs > LATEST_MS || value.length > LONGEST_NAME) continue;
    recoveryMarks.heard(relay, { name: value, madeAtMs: Number(changedAtMs) });
  }
}
