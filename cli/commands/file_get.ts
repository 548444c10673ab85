/** `qight file get`: one file to disk. @module */
import { fromBinary } from "@bufbuild/protobuf";
import { saveBytes, saveFiles } from "../../client/storage/save_files.ts";
import { QightError } from "../../proto/errors.ts";
import { BlobRefSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { download } from "../download.ts";
import { Messenger } from "../messenger.ts";
import { orAborted } from "../send_one.ts";
import type { fileGetSpec } from "../tree/file.ts";
import type { Call } from "../tree/spec.ts";

/** Writes it and prints its path; its bytes, or the key to them, are erased from the store then. */
export async function run({ args: [word], options, settings, out, signal }: Call<typeof fileGetSpec>): Promise<void> {
  if (!/^\d{1,9}$/.test(word)) throw new QightError("usage", `"${word}" is no number of a file`, LIST);
  const number = Number(word);
  await using messenger = await Messenger.open(settings, out);
  const { history } = messenger;
  const file = await history.file(number);
  if (!file || (!file.data && !file.blob)) {
    const saved = file?.savedAs;
    throw new QightError("no_such_file", saved ? `File ${number} was saved as ${saved}` : `There is no file ${number}`);
  }
  const { name, data, blob } = file;
  const { output } = options;
  const folder = settings.saving.saveDir ?? ".";
  let path: string;
  if (blob) {
    const { relay } = await orAborted(messenger.connect(), signal);
    await using _relay = relay;
    const waiting = { $typeName: "qight.v1.File", name, data: NOTHING, blob: fromBinary(BlobRefSchema, blob) } as const;
    path = (await download({ relay, out, signal }, waiting, output === undefined ? { folder } : { path: output }))
      .path!;
  } else if (output !== undefined) {
    await saveBytes(output, data!);
    path = output;
  } else {
    path = (await saveFiles([{ name, data: data! }], folder))[0].path!;
  }
  await history.saved(number, path);
  await out.result({ number, name, size: file.size, path }, path);
}

const LIST = { hint: "qight file list shows the numbers." };
const NOTHING: Uint8Array = new Uint8Array(0);
