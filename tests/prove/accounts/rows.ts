/**
 * The rows about accounts: kills while they change, passwords, what was captured, lost devices, backups.
 * @module
 */
import { newcomerKilled } from "./newcomer_killed.ts";
import { passwordLogin } from "./password_login.ts";
import { replayedAccounts } from "./replayed_accounts.ts";
import { revokedDevice } from "./revoked_device.ts";
import type { Row } from "../row.ts";
import { accountBackup } from "./account_backup.ts";
import { accountKilled } from "./account_killed.ts";

/** In the order in which they run. */
export const rows: readonly Row[] = [
  accountKilled,
  newcomerKilled,
  passwordLogin,
  replayedAccounts,
  revokedDevice,
  accountBackup,
];
