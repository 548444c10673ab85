/** Files of a chat: paths as people type them, and kept files brought to disk. @module */
import { join } from "node:path";
import type { HistoryFile } from "../../client/history.ts";
import { QightError } from "../../proto/errors.ts";
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
  if (!file.data) throw new QightError("no_input", `File ${number} is not here any more`, { hint: whereIs(file) });
  const { name, data } = file;
  const [saved] = await saveFiles([{ $typeName: "qight.v1.File", name, data }], folder);
  await chat.history.saved(number, saved.path!);
  return saved.path!;
}

function whereIs({ savedAs }: HistoryFile): string {
  return savedAs === null ? "Only files that were sent to you can be downloaded." : `It was saved as ${savedAs}.`;
}
