/**
 * Parameters of admin calls, checked, and times as their answers write them.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import type { AdminParams } from "../admin.ts";

/** A text that is there; throws `usage` when it is missing, empty or something else. */
export function text(params: AdminParams, key: string): string {
  const value = params[key];
  if (typeof value !== "string" || value === "") throw new QightError("usage", `${key} is missing`);
  return value;
}

/** A text, or "" when it is absent; throws `usage` when it is something else or longer than `max` characters. */
export function textOrNone(params: AdminParams, key: string, max: number): string {
  if (params[key] === undefined) return "";
  const value = text(params, key);
  if (value.length > max) throw new QightError("usage", `${key} is longer than ${max} characters`);
  return value;
}

/** Milliseconds since 1970 as an ISO date; null stays. */
export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
