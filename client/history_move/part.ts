/**
 * A part of a history on its way between devices: its limits, and whether one that came can be one.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import type { HistoryPart } from "../../proto/gen/qight/v1/seal_pb.ts";

/** A part unpacks to this many bytes at most. */
export const MAX_PART_BYTES = 4 * 1024 * 1024;

/** Lines in one part at most. */
export const MAX_PART_LINES = 20_000;

/** Parts in one move at most: 40 GiB of words. */
export const MAX_PARTS = 10_000;

/** Lines in one move at most: every line has a number of its own. */
export const MAX_LINES = MAX_PARTS * MAX_PART_LINES;

/** Whether this is a part that a device (key, 32 bytes) is to import. */
export function isPartOf({ transfer, part, parts, lines, forDevice }: HistoryPart, device: Uint8Array): boolean {
  return equal(forDevice, device) && transfer.length === 16 && part >= 1 && part <= parts && parts <= MAX_PARTS &&
    lines <= BigInt(MAX_LINES);
}
