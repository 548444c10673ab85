/** Which rows are of groups that this device is in. @module */
import type { GroupRow } from "../storage/store.ts";

/** A row of a group that this device is in, or is asked into. */
export type MemberRow = GroupRow & { readonly status: "active" | "joining" | "stuck" };

/** Whether this row is of a group that this device is in. */
export function isMember(row: GroupRow | null): row is MemberRow {
  return row !== null && row.status !== "left" && row.status !== "removed";
}
