/**
 * The rows about a relay's and a client's life: stops, kills, takeovers, backups, upgrades, renewals, clocks, long runs.
 * @module
 */
import type { Row } from "../row.ts";
import { arm64Emulated } from "./arm64_emulated.ts";
import { certificateRenewal } from "./certificate_renewal.ts";
import { clock } from "./clock.ts";
import { gracefulStop } from "./graceful_stop.ts";
import { backupUnderLoad } from "./backup_under_load.ts";
import { readerKilled } from "./reader_killed.ts";
import { soak } from "./soak.ts";
import { twoReaders } from "./two_readers.ts";
import { upgrade } from "./upgrade.ts";

/** In the order in which they run. */
export const rows: readonly Row[] = [
  gracefulStop,
  readerKilled,
  twoReaders,
  backupUnderLoad,
  upgrade,
  certificateRenewal,
  clock,
  arm64Emulated,
  soak,
];
