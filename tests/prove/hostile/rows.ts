/**
 * The rows about people who mean harm: what they captured, and what they send instead of messages.
 * @module
 */
import type { Row } from "../row.ts";
import { decoderFuzz } from "./decoder_fuzz.ts";
import { replay } from "./replay.ts";
import { sameNames } from "./same_names.ts";
import { sameTime } from "./same_time.ts";

/** In the order in which they run. */
export const rows: readonly Row[] = [decoderFuzz, replay, sameTime, sameNames];
