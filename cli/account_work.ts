/** What the commands of `qight account` have in common: a connection for an own account, and codes for a person. @module */
import { renewCodes } from "../client/accounts/codes.ts";
import type { AccountRoom } from "../client/accounts/room.ts";
import { systemRandom } from "../client/clock.ts";
import type { RelayClient } from "../client/relay_client.ts";
import { writePrivateFile } from "../client/storage/private_file.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import type { Messenger } from "./messenger.ts";
import type { Output } from "./output.ts";
import { exists } from "./paths.ts";

/** The account of a messenger over one of its connections. */
export function accountRoom(messenger: Messenger, relay: RelayClient): AccountRoom {
  const { relayName, store, self: identity, clock } = messenger;
  return { relay, relayName, store, identity, clock, random: systemRandom };
}

/** Refuses (`no_accounts`) a relay that keeps no names, before anybody types a password for nothing. */
export async function refuseWithoutNames(relay: RelayClient): Promise<void> {
  try {
    if ((await relay.capabilities()).authMode !== "account") throw new QightError("no_accounts");
  } catch (thrown) {
    // A relay with names tells nothing to who is not signed in.
    if (!["login_needed", "suspended"].includes(asQightError(thrown).code)) throw thrown;
  }
}

/** New codes for the signed-in account, over a connection of their own. */
export async function makeCodes(messenger: Messenger, out: Output) {
  const { relay } = await messenger.connect();
  await using _relay = relay;
  const made = await renewCodes(accountRoom(messenger, relay), messenger.identity.secrets.accountSeed);
  if (made.left > 0) out.note(`${made.left} contacts or groups do not fit into what the codes bring back`);
  return made;
}

/** `would_overwrite` when the file for the codes is there, before anything is done. */
export async function refuseCodesFile(path: string | undefined): Promise<void> {
  if (path !== undefined && await exists(path)) {
    throw new QightError("would_overwrite", `${path} exists and is not overwritten`, { hint: "Choose another path." });
  }
}

/** Hands the codes over, once: into the file, or one a line on stdout; with `--json` in one object with `about`. */
export async function giveCodes(
  out: Output,
  codes: readonly string[],
  about: Readonly<Record<string, unknown>>,
  file: string | undefined,
): Promise<void> {
  if (file !== undefined) {
    await writePrivateFile(file, codes.map((code) => `${code}\n`).join(""), { overwrite: false });
    if (out.json) await out.object({ ...about, codes_file: file });
    out.note(`The ${codes.length} recovery codes are in ${file}: keep a copy where this machine is not.`);
  } else {
    if (out.json) await out.object({ ...about, codes });
    else for (const code of codes) await out.line(code);
    out.note(`These ${codes.length} recovery codes are shown once: keep them where this machine is not.`);
  }
  out.note(`Each lets you in again, once: qight account recover ${about.name || about.id}`);
}
