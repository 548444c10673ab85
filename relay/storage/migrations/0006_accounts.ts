/**
 * Schema 6: names, sessions, recovery, ended and closed accounts, blocks, reports.
 * @module
 */

/**
 * Schema 6. A name that was given up keeps its row without account and record until `held_until`. Session tokens and
 * recovery locators are here as hashes alone. No two tables have columns of the same kinds in the same order, and no index
 * those of a table without a row number: salvage tells rows by their shape.
 */
export const accounts = {
  version: 6,
  sql: `
CREATE TABLE opaque_setup (one INTEGER PRIMARY KEY CHECK (one = 1), sealed BLOB NOT NULL) STRICT;

CREATE TABLE names (
  id INTEGER PRIMARY KEY,
  folded TEXT NOT NULL UNIQUE,
  skeleton TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  account BLOB UNIQUE,
  record TEXT,
  registered INTEGER NOT NULL,
  held_until INTEGER
) STRICT;

CREATE INDEX names_held ON names (held_until) WHERE held_until IS NOT NULL;

CREATE TABLE sessions (
  token_hash BLOB PRIMARY KEY,
  device BLOB NOT NULL UNIQUE,
  account BLOB NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_account ON sessions (account);
CREATE INDEX sessions_expires ON sessions (expires);

CREATE TABLE devices_seen (device BLOB PRIMARY KEY, seen INTEGER NOT NULL) STRICT;

CREATE TABLE recoveries (
  account BLOB PRIMARY KEY,
  sealed BLOB NOT NULL,
  crc INTEGER NOT NULL,
  made INTEGER NOT NULL,
  device BLOB NOT NULL
) STRICT;

CREATE TABLE recovery_codes (
  locator_hash BLOB PRIMARY KEY,
  account BLOB NOT NULL,
  wrapped BLOB NOT NULL
) STRICT;
CREATE INDEX recovery_codes_account ON recovery_codes (account);

CREATE TABLE ended_accounts (account BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT;

CREATE TABLE closures (
  account BLOB PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('suspended', 'banned')),
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER
) STRICT;

CREATE TABLE blocks (
  id INTEGER PRIMARY KEY,
  account BLOB NOT NULL,
  blocked BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX blocks_pair ON blocks (account, blocked);

CREATE TABLE abuse_reports (
  id TEXT PRIMARY KEY,
  reporter BLOB NOT NULL,
  accused BLOB NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  evidence BLOB NOT NULL
) STRICT;
`,
} as const;
