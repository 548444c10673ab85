/**
 * The rows about accounts: kills while they change, what was captured of them.
 * @module
 */
import { replayedAccounts } from "./replayed_accounts.ts";
import type { Row } from "../row.ts";
import { accountKilled } from "./account_killed.ts";

/** In the order in which they run. */
export const rows: readonly Row[] = [accountKilled, replayedAccounts];
