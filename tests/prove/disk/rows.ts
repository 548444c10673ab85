/**
 * The rows about the disk: power loss, faults, no room, damage.
 * @module
 */
import type { Row } from "../row.ts";
import { databaseDamage } from "./database_damage.ts";
import { diskFull } from "./disk_full.ts";
import { ioFault } from "./io_fault.ts";
import { powerLoss } from "./power_loss.ts";

/** In the order in which they run. */
export const rows: readonly Row[] = [powerLoss, ioFault, diskFull, databaseDamage];
