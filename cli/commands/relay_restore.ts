/** `qight relay restore`: a backup comes back; nothing is touched before all of it is verified. @module */
import { QightError } from "../../proto/errors.ts";
import { restoreBackup } from "../../relay/backup.ts";
import { existingPassphrase } from "../passphrase.ts";
import { startProgress } from "../progress.ts";
import { loadRelayConfig } from "../relay_toml.ts";
import type { relayRestoreSpec } from "../tree/relay.ts";
import type { Call } from "../tree/spec.ts";

/** Makes the data folder from the backup; an older database is moved aside only with `--force`. */
export async function run({ args: [path], options, settings, out }: Call<typeof relayRestoreSpec>): Promise<void> {
  const { config } = await loadRelayConfig(settings);
  const restore = async (passphrase: string | null) => {
    using bar = startProgress(out, "restoring", "bytes");
    return await restoreBackup({
      path,
      dataDir: config.dataDir,
      passphrase,
      replace: options.force ?? false,
      database: config.storage.path,
      progress: (done, all) => bar.update(done, all),
    });
  };
  // A plain backup asks for nothing; the file itself knows which it is.
  const restored = await restore(null).catch(async (error) => {
    if (!(error instanceof QightError) || error.code !== "passphrase_needed") throw error;
    return await restore(await existingPassphrase(settings, path));
  });
  if (restored.movedAside !== null) out.note(`the older files were moved to ${restored.movedAside}`);
  const madeAt = new Date(restored.madeAtMs).toISOString();
  const fields = { data_dir: config.dataDir, made_at: madeAt, moved_aside: restored.movedAside };
  await out.result(fields, `restored ${config.dataDir} as it was at ${madeAt}`);
}
