/** `qight relay backup`: a consistent copy of database and root key, made by the running relay. @module */
import { resolve } from "node:path";
import { newPassphrase } from "../passphrase.ts";
import { startProgress } from "../progress.ts";
import { askRelay } from "../relay_admin.ts";
import { watching } from "../watching.ts";
import type { relayBackupSpec } from "../tree/relay.ts";
import type { Call } from "../tree/spec.ts";

/** Writes the backup, sealed by a passphrase unless `--plain`. */
export async function run({ args, options, settings, out }: Call<typeof relayBackupSpec>): Promise<void> {
  const path = resolve(args[0]);
  const passphrase = options.plain ? undefined : await newPassphrase(settings, path, { without: "--plain" });
  const backup = askRelay(settings, "backup", { path, ...(passphrase === undefined ? {} : { passphrase }) });
  using bar = startProgress(out, "backing up", "bytes");
  const answer = await watching(backup, async () => {
    const { done, all } = await askRelay(settings, "backup.progress") as { done: number; all: number } ?? {};
    if (all !== undefined) bar.update(done, all);
  });
  await out.result(answer, path);
}
