/** `qight relay salvage`: what can still be read in a damaged data folder, copied into a new one. @module */
import { deviceFingerprint } from "../../crypto/account.ts";
import { QightError } from "../../proto/errors.ts";
import { type SalvagedFolder, salvageFolder } from "../../relay/salvage.ts";
import { startProgress } from "../progress.ts";
import { loadRelayConfig } from "../relay_toml.ts";
import type { relaySalvageSpec } from "../tree/relay.ts";
import type { Call } from "../tree/spec.ts";

/** Lost messages named one by one at most; the sum is always told. */
const named = 100;

/** Writes the new folder and says what is in it; ends with 74 when something is lost, and the folder is there all the same. */
export async function run({ options, settings, out }: Call<typeof relaySalvageSpec>): Promise<void> {
  if (options.out === undefined) throw new QightError("usage", "Where to? Name a new folder with --out");
  const { config } = await loadRelayConfig(settings);
  let told = 0;
  using bar = startProgress(out, "salvaging", "pages");
  const salvaged = await salvageFolder({
    dataDir: config.dataDir,
    out: options.out,
    database: config.storage.path,
    progress: (done, all) => {
      bar.update(done, all);
      const tenth = Math.floor(10 * done / all);
      if (tenth <= told || tenth === 10) return;
      told = tenth;
      out.detail(`read ${tenth * 10} %`);
    },
  });
  const damaged = await Promise.all(
    salvaged.damaged.slice(0, named).map(async ({ device, seq }) => ({
      device: device === null ? null : await deviceFingerprint(device),
      seq,
    })),
  );
  const { logDamage, rootKey, damagedPages, sealingKeys, damaged: _all, ...found } = salvaged;
  const { lostKeys, lostGroups, lostFiles, lostRecoveries, ...counts } = found;
  await out.result(
    {
      data_dir: config.dataDir,
      out: options.out,
      ...counts,
      damaged,
      damaged_pages: damagedPages,
      sealing_keys: sealingKeys,
      lost_keys: lostKeys,
      lost_groups: lostGroups,
      lost_files: lostFiles,
      lost_recoveries: lostRecoveries,
      log_damage: logDamage,
      root_key: rootKey,
    },
    `salvaged ${salvaged.messages} messages of ${salvaged.mailboxes} mailboxes and ${salvaged.groups} conversations ` +
      `into ${options.out}`,
  );
  for (const { device, seq } of damaged) out.note(`lost: message ${seq} to ${device ?? "an unknown device"}`);
  const losses = lossesOf(salvaged);
  if (losses.length === 0) return;
  throw new QightError("store_damaged", `Not everything could be read: ${losses.join("; ")}`, {
    hint: `What could be read is in ${options.out}. Start a relay on it, or restore a newer backup first.`,
  });
}

function lossesOf(salvaged: SalvagedFolder): string[] {
  const { lost, lostGroups, lostFiles, lostKeys, lostRecoveries, passwords, logDamage, renumbered, rootKey } = salvaged;
  return [
    ...(lost > 0 ? [`messages lost: ${lost}`] : []),
    ...(lostGroups > 0 ? [`conversations lost: ${lostGroups} (between two people they begin anew by themselves)`] : []),
    ...(lostFiles > 0 ? [`files lost: ${lostFiles}`] : []),
    ...(lostKeys > 0 ? [`bundles or sealing keys lost: ${lostKeys} (their owners publish them again)`] : []),
    ...(lostRecoveries > 0 ? [`accounts without their recovery codes: ${lostRecoveries} (qight account codes)`] : []),
    ...(passwords ? [] : ["what all passwords rest on (people come back with their recovery codes)"]),
    ...(logDamage !== null ? [logDamage] : []),
    ...(renumbered > 0 ? [`mailboxes that go on a million numbers higher: ${renumbered}`] : []),
    ...(rootKey ? [] : ["root.key is missing or damaged"]),
  ];
}
