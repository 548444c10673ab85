/**
 * Tells by its shape which table a row is from, since the pages that say so may be the damaged ones.
 * @module
 */
import type { Cell, Value } from "./cells.ts";

/** Tables whose rows are looked for. */
export type Table =
  | "mailboxes"
  | "messages"
  | "dedup"
  | "expired"
  | "accounts"
  | "sealing_keys"
  | "tokens"
  | "allowed"
  | GroupTable
  | BlobTable
  | AccountTable;

/** Those of accounts; sessions, and when devices were here, are left behind. */
export type AccountTable =
  | "opaque_setup"
  | "names"
  | "recoveries"
  | "recovery_codes"
  | "ended_accounts"
  | "closures"
  | "blocks"
  | "abuse_reports";

/** Those of files. */
export type BlobTable = "blobs" | "blob_claims" | "blob_chunks";

/** Those of groups; what only costs a call to make again (KeyPackages, join keys, reports) is left behind. */
export type GroupTable = "payloads" | "groups" | "group_states" | "commits" | "welcomes" | "welcomed";

// i number, t text, k a key or hash of 32 bytes, d an id of 16, b other bytes, n nothing; the columns of
// relay/storage/migrations/. A table with a row number of its own keeps nothing in that column.
const shapes: readonly (readonly [Table, numbered: boolean, columns: RegExp])[] = [
  ["messages", true, /^niiib([in][in])?$/],
  ["payloads", true, /^nib$/],
  ["groups", true, /^nkikkbii$/],
  ["group_states", true, /^n[kb]ib$/],
  ["commits", true, /^nkiikib$/],
  ["welcomes", true, /^niikiib$/],
  ["welcomed", false, /^kii$/],
  ["blobs", true, /^nkiiii$/],
  ["blob_claims", false, /^kkii$/],
  ["blob_chunks", true, /^nik[kdb]$/],
  ["mailboxes", true, /^nk[kn]iii$/],
  ["accounts", true, /^kib[bk][nt]$/],
  ["sealing_keys", true, /^kiib$/],
  ["tokens", true, /^ttki[in]$/],
  ["allowed", true, /^kt$/],
  ["opaque_setup", true, /^nb$/],
  ["names", true, /^nttt[kn][tn]i[in]$/],
  ["recoveries", true, /^kbiik$/],
  ["recovery_codes", true, /^kkb$/],
  ["ended_accounts", true, /^kb$/],
  ["closures", true, /^ktti[in]$/],
  ["blocks", true, /^nkk$/],
  ["abuse_reports", true, /^tkktiib$/],
  ["dedup", false, /^idkkiiii?$/],
  ["expired", false, /^iii$/],
];

/** The table that the row fits, or null for one of an index, of the schema, or damaged beyond recognition. */
export function tableOf({ rowid, values }: Cell): Table | null {
  const letters = values.map(letterOf).join("");
  return shapes.find(([, numbered, columns]) => numbered === (rowid !== null) && columns.test(letters))?.[0] ?? null;
}

function letterOf(value: Value): string {
  if (value === null) return "n";
  if (typeof value === "number") return Number.isNaN(value) ? "?" : "i";
  if (typeof value === "string") return "t";
  return value.length === 32 ? "k" : value.length === 16 ? "d" : "b";
}
