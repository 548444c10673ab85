/**
 * Whether what groups keep fits together: pointers and payloads, rosters and members, sizes, checksums.
 * @module
 */
import { crc32 } from "node:zlib";
import type { Connection } from "./sqlite_connection.ts";

/** Queries whose rows name what is wrong. */
const faults: readonly (readonly [sql: string, say: (id: number) => string])[] = [
  [
    `SELECT coalesce(r.id, m.payload) AS id FROM payload_refs r FULL JOIN
       (SELECT payload, count(*) AS pointers, min(size) AS size FROM messages WHERE payload > 0 GROUP BY payload) m
       ON m.payload = r.id
     WHERE r.pointers IS NOT m.pointers OR r.size IS NOT m.size LIMIT 20`,
    (id) => `payload ${id} does not count who points to it`,
  ],
  [
    `SELECT coalesce(r.id, p.id) AS id FROM payload_refs r FULL JOIN payloads p ON p.id = r.id
     WHERE r.size IS NOT length(p.envelope) LIMIT 20`,
    (id) => `payload ${id} is missing, or nobody points to it`,
  ],
  [
    `SELECT g.id FROM groups g
     LEFT JOIN (SELECT slot >> 36 AS grp, sum(length(roster) + length(group_info)) AS n FROM group_states GROUP BY 1) s
       ON s.grp = g.id
     LEFT JOIN (SELECT slot >> 36 AS grp, sum(length(bytes)) AS n FROM commits GROUP BY 1) c ON c.grp = g.id
     LEFT JOIN (SELECT grp, sum(length(bytes)) AS n FROM welcomes GROUP BY 1) w ON w.grp = g.id
     WHERE g.bytes <> coalesce(s.n, 0) + coalesce(c.n, 0) + coalesce(w.n, 0) LIMIT 20`,
    (id) => `group ${id} does not count what it keeps`,
  ],
  [
    `SELECT g.id FROM groups g LEFT JOIN group_states s ON s.slot = (g.id << 36) | g.epoch
     WHERE s.slot IS NULL
       OR length(s.roster) <> 32 * (SELECT count(*) FROM members m WHERE m.grp = g.id) LIMIT 20`,
    (id) => `the roster of group ${id} is missing or names other members`,
  ],
];

/** Faults of counters and references, at most 20 of each kind. */
export function checkGroups(db: Connection): string[] {
  return faults.flatMap(([sql, say]) => (db.prepare(sql).all() as { id: number }[]).map(({ id }) => say(id)));
}

/** Columns with a checksum beside them. */
const guarded: readonly (readonly [sql: string, what: string])[] = [
  ["SELECT id, crc, envelope AS bytes, NULL AS more FROM payloads", "payload"],
  ["SELECT slot AS id, crc, roster AS bytes, group_info AS more FROM group_states", "group state"],
  ["SELECT slot AS id, crc, bytes, NULL AS more FROM commits", "commit"],
  ["SELECT id, crc, bytes, NULL AS more FROM welcomes", "Welcome"],
  ["SELECT id, crc, bytes, NULL AS more FROM key_packages WHERE bytes IS NOT NULL", "KeyPackage"],
];

/** Rows that do not match their checksums, at most 20. */
export function groupChecksums(db: Connection): string[] {
  const found: string[] = [];
  for (const [sql, what] of guarded) {
    const rows = db.prepare(sql).iterate() as Iterable<
      { id: number; crc: number; bytes: Uint8Array; more: Uint8Array | null }
    >;
    for (const { id, crc, bytes, more } of rows) {
      if (found.length === 20) return found;
      const sum = crc32(bytes);
      if ((more ? crc32(more, sum) : sum) !== crc) found.push(`${what} ${id} does not match its checksum`);
    }
  }
  return found;
}
