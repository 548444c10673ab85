/** Files of a chat: paths as people type them, and kept files brought to disk. @module */
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { systemRandom } from "../../client/clock.ts";
import type { HistoryFile } from "../../client/history.ts";
import { newMessageId } from "../../client/message_id.ts";
import { contentSize } from "../../client/send.ts";
import { QightError } from "../../proto/errors.ts";
import { BlobRefSchema, type Content } from "../../proto/gen/qight/v1/seal_pb.ts";
import { lateModule } from "../late_module.ts";
import type { Env } from "../paths.ts";
import { saveFiles } from "../../client/storage/save_files.ts";
import type { Chat } from "./chat.ts";

/** A path with `~/` as the shell would read it. */
export function withHome(path: string, env: Env): string {
  const home = env("HOME") ?? env("USERPROFILE");
  return home !== undefined && (path === "~" || path.startsWith("~/")) ? join(home, path.slice(1)) : path;
}

/** The folder that files are saved in unless another is named. */
export function saveFolder(chat: Chat): string {
  return chat.settings.saving.saveDir ?? ".";
}

/** Saves a kept file (0600, safe name, nothing overwritten), then erases it from the history; answers its path. */
export async function saveKept(chat: Chat, number: number, folder: string): Promise<string> {
  const file = await chat.history.file(number);
  if (!file) throw new QightError("no_input", `There is no file ${number}`, { hint: "/download shows what there is." });
  if (file.blob) return await fetchWaiting(chat, file, folder);
  if (!file.data) throw new QightError("no_input", `File ${number} is not here any more`, { hint: whereIs(file) });
  const { name, data } = file;
  const [saved] = await saveFiles([{ name, data }], folder);
  await chat.history.saved(number, saved.path!);
  return saved.path!;
}

async function fetchWaiting(chat: Chat, { number, name, blob }: HistoryFile, folder: string): Promise<string> {
  const { relay } = await chat.room();
  const { saveBlob } = await import("../../client/storage/part_file.ts");
  const { path } = await saveBlob({ relay }, { name, blob: fromBinary(BlobRefSchema, blob!) }, { folder });
  await chat.history.saved(number, path!);
  return path!;
}

/** The content as it fits a message of this relay: files that are too large are brought there first. */
export async function fitting(chat: Chat, recipient: Uint8Array, content: Content): Promise<Content> {
  const { relay } = await chat.room();
  if (contentSize(content) <= relay.session.maxMessage) return content;
  const { messenger } = chat;
  const createdAtMs = messenger.clock.now();
  const draft = { id: newMessageId(createdAtMs, systemRandom), createdAtMs, ttlS: 0, plaintext: false, content };
  const { bringFiles } = await lateModule<typeof import("../bring_files.ts")>("bring_files.ts");
  let told = 0;
  const onProgress = (done: number, all: number) => {
    const quarter = Math.floor(4 * done / all);
    if (quarter > told && quarter < 4) chat.screen.note(`${quarter * 25} % of the file is at the relay`);
    told = Math.max(told, quarter);
  };
  return (await bringFiles({ relay, messenger, onProgress }, recipient, draft)).content;
}

function whereIs({ savedAs }: HistoryFile): string {
  return savedAs === null ? "Only files that were sent to you can be downloaded." : `It was saved as ${savedAs}.`;
}
