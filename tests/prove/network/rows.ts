/**
 * The rows about networks and floods.
 * @module
 */
import type { Row } from "../row.ts";
import { badNetwork } from "./bad_network.ts";
import { flood } from "./flood.ts";

/** In the order in which they run. */
export const rows: readonly Row[] = [badNetwork, flood];
