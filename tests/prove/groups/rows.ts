/**
 * The rows about conversations: races, bad commits, KeyPackages, long absence, several devices, many processes, old copies.
 * @module
 */
import type { Row } from "../row.ts";
import { commitRace } from "./commit_race.ts";
import { fiveDevices } from "./five_devices.ts";
import { keyPackages } from "./key_packages.ts";
import { longAbsent } from "./long_absent.ts";
import { manyProcesses } from "./many_processes.ts";
import { poisonedCommit } from "./poisoned_commit.ts";
import { restoredMember } from "./restored_member.ts";

/** In the order in which they run. */
export const rows: readonly Row[] = [
  commitRace,
  poisonedCommit,
  keyPackages,
  longAbsent,
  fiveDevices,
  manyProcesses,
  restoredMember,
];
