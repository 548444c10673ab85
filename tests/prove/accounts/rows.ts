/**
 * The rows about accounts: kills while they change.
 * @module
 */
import type { Row } from "../row.ts";
import { accountKilled } from "./account_killed.ts";

/** In the order in which they run. */
export const rows: readonly Row[] = [accountKilled];
