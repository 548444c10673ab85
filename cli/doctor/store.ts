/** Doctor: whether the key opens, and the encrypted store of messages with it. @module */
import { systemClock } from "../../client/clock.ts";
import { Contacts } from "../../client/contacts.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import { openIdentityUnasked, storePath } from "../identity.ts";
import type { Output } from "../output.ts";
import { exists } from "../paths.ts";
import type { Settings } from "../settings.ts";
import { type Check, ok, warn } from "./check.ts";

/** Opens what is there and makes nothing; never asks for a passphrase. */
export async function checkStore(settings: Settings, out: Output): Promise<Check> {
  const identity = await openIdentityUnasked(settings, out);
  if (identity === "absent") return ok("store", "No store yet: there is no key");
  if (identity === "locked") {
    return warn("store", "Not looked at: the key has a passphrase", "Give it with --passphrase-file FILE.");
  }
  const path = storePath(settings.dataDir, identity.device.publicKey);
  if (!await exists(path)) return ok("store", "No store yet; the first message makes it");
  await using store = await openSqliteStore({ path, key: identity.secrets.device.dataKey });
  await new Contacts(store, systemClock).list();
  return ok("store", `${path} opens`);
}
