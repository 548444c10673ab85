/** Fetches files that wait at the relay, saying how far it is. @module */
import type { RelayClient } from "../client/relay_client.ts";
import { type Place, saveBlob } from "../client/storage/part_file.ts";
import type { SavedFile } from "../client/storage/save_files.ts";
import type { File } from "../proto/gen/qight/v1/seal_pb.ts";
import type { Output } from "./output.ts";
import { startProgress } from "./progress.ts";

/** Writes one file to its place; see saveBlob. */
export async function download(
  { relay, out, signal }: { relay: Pick<RelayClient, "rpc" | "session">; out: Output; signal: AbortSignal },
  { name, blob }: File,
  place: Place,
): Promise<SavedFile> {
  using bar = startProgress(out, "receiving", "bytes");
  const onProgress = (done: number, all: number) => bar.update(done, all);
  return await saveBlob({ relay, signal, onProgress }, { name, blob: blob! }, place);
}
