/**
 * The rows about conversations: races, bad commits, KeyPackages, long absence, many processes, old copies.
 * @module
 */
import type { Row } from "../row.ts";
import { commitRace } from "./commit_race.ts";
import { manyProcesses } from "./many_processes.ts";

/** In the order in which they run. */
export const rows: readonly Row[] = [commitRace, manyProcesses];
