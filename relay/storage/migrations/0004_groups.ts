/**
 * Schema 4: groups, KeyPackages, payloads that many mailboxes point to, notices.
 * @module
 */

/**
 * Schema 4. Why it looks like this:
 *
 * - A row of `messages` holds its envelope (`payload` NULL), or points to one (`payload` > 0, `size` its bytes), or is a
 *   notice about a group (`payload` 0, storage/notices.ts). So a mailbox stays one stretch of the b-tree in one order.
 *   Both columns are NULL in every row from before; adding them touches none.
 * - How many point to a payload stands apart from it: a counter beside the bytes would write them all at every change.
 * - `group_states` has the current epoch and the one before it, by which a commit is taken back. Its rows and those of
 *   `commits` are numbered `group << 36 | epoch`, as messages are by mailbox.
 * - `groups.direct` is both accounts of a direct conversation, or empty: the id of one can be computed by anybody, and must
 *   not be taken by a group (storage/group_store.ts).
 * - A handed-out KeyPackage keeps its row without its bytes until it expires: published again, it is known.
 * - `crc` is CRC-32 of what only members could otherwise tell is damaged.
 * - No index and no table without a row number has the columns of `expired` or `dedup`: salvage tells rows by their shape.
 */
export const groups = {
  version: 4,
  sql: `
ALTER TABLE messages ADD COLUMN payload INTEGER;
ALTER TABLE messages ADD COLUMN size INTEGER;

CREATE TABLE payloads (
  id INTEGER PRIMARY KEY,
  crc INTEGER NOT NULL,
  envelope BLOB NOT NULL
) STRICT;

CREATE TABLE payload_refs (
  id INTEGER PRIMARY KEY,
  pointers INTEGER NOT NULL,
  size INTEGER NOT NULL
) STRICT;

CREATE TABLE groups (
  id INTEGER PRIMARY KEY,
  name BLOB NOT NULL,
  suite INTEGER NOT NULL,
  creator BLOB NOT NULL,
  maker BLOB NOT NULL,
  direct BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX groups_name ON groups (name, direct);

CREATE TABLE group_states (
  slot INTEGER PRIMARY KEY,
  roster BLOB NOT NULL,
  crc INTEGER NOT NULL,
  group_info BLOB NOT NULL
) STRICT;

CREATE TABLE members (
  device BLOB NOT NULL,
  grp INTEGER NOT NULL,
  PRIMARY KEY (device, grp)
) STRICT, WITHOUT ROWID;

CREATE TABLE commits (
  slot INTEGER PRIMARY KEY,
  device BLOB NOT NULL,
  accepted INTEGER NOT NULL,
  until INTEGER NOT NULL,
  hash BLOB NOT NULL,
  crc INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE INDEX commits_until ON commits (until);

CREATE TABLE welcomes (
  id INTEGER PRIMARY KEY,
  grp INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  device BLOB NOT NULL,
  until INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE INDEX welcomes_until ON welcomes (until);

CREATE TABLE welcomed (
  device BLOB NOT NULL,
  grp INTEGER NOT NULL,
  welcome INTEGER NOT NULL,
  PRIMARY KEY (device, grp)
) STRICT, WITHOUT ROWID;
CREATE INDEX welcomed_welcome ON welcomed (welcome);

CREATE TABLE reports (
  grp INTEGER NOT NULL,
  account BLOB NOT NULL,
  PRIMARY KEY (grp, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE join_keys (
  grp INTEGER NOT NULL,
  hash BLOB NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (grp, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX join_keys_until ON join_keys (until);

CREATE TABLE key_packages (
  id INTEGER PRIMARY KEY,
  device BLOB NOT NULL,
  suite INTEGER NOT NULL,
  last_resort INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  ref BLOB NOT NULL,
  crc INTEGER NOT NULL,
  bytes BLOB
) STRICT;
CREATE UNIQUE INDEX key_packages_ref ON key_packages (device, ref);
CREATE INDEX key_packages_expires ON key_packages (expires);
`,
} as const;
