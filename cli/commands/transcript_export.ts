/** `qight transcript export`: a conversation, chained, signed and sealed. @module */
import { systemClock } from "../../client/clock.ts";
import { peerOf } from "../../client/conversations.ts";
import { CONVERSATION_LIMITS } from "../../client/history.ts";
import { ownBundle } from "../../client/publish.ts";
import { formatAccountId } from "../../crypto/account.ts";
import { makeTranscript } from "../../crypto/transcript.ts";
import { sealBytes } from "../../crypto/vault.ts";
import { QightError } from "../../proto/errors.ts";
import { openHistory } from "../open_history.ts";
import { newPassphrase } from "../passphrase.ts";
import { exists, writePrivateFile } from "../paths.ts";
import { transcriptLines, type TranscriptTitle } from "../transcript_file.ts";
import type { Call } from "../tree/spec.ts";
import { conversationOf } from "../where.ts";

/** Writes every kept line of the conversation (0600, never over another file). */
export async function run({ args: [where, path], settings, out }: Call): Promise<void> {
  await using opened = await openHistory(settings, out);
  const { history, conversations, contacts, identity, store } = opened;
  const conversation = await conversationOf(where, opened);
  const lines = await history.last(conversation, CONVERSATION_LIMITS.messages);
  if (lines.length === 0) throw new QightError("no_input", `Nothing was said in ${where} yet`, { hint: "" });
  // Before the passphrase is asked for twice.
  if (await exists(path)) throw new QightError("would_overwrite", `${path} exists and is not overwritten`);
  const passphrase = identity.passphrase ?? await newPassphrase(settings, path, {});
  const names = { contacts: await contacts.names(), titleOf: await conversations.titlesOfKeys() };
  const peer = peerOf(conversation);
  const title: TranscriptTitle = {
    type: "transcript",
    in: peer ? formatAccountId(peer) : names.titleOf(conversation),
    conversation,
    own: identity.account.id,
    exported_at: new Date(systemClock.now()).toISOString(),
    lines: lines.length,
  };
  const client = { account: identity.account, signer: identity.device, deviceName: "device" };
  const bundle = await ownBundle({ store, identity: client, clock: systemClock });
  const text = await makeTranscript(transcriptLines(title, lines, names), { signer: identity.device, bundle });
  await writePrivateFile(path, await sealBytes(new TextEncoder().encode(text), passphrase), { overwrite: false });
  await out.result({ path, in: title.in, lines: lines.length }, `${lines.length} lines in ${path}`);
}
