/**
 * Schema 1: mailboxes, messages, dedup memory, expired ranges, directory, tokens, allow list.
 * @module
 */

/**
 * Schema 1. Why it looks like this:
 *
 * - `messages.slot` packs mailbox and sequence number into one rowid (`mailbox << 36 | seq`: 134 million mailboxes, 68
 *   thousand million messages each). A mailbox is one stretch of the b-tree, as with a key (mailbox, seq), but a rowid
 *   table keeps rows of up to 4,061 bytes whole on a leaf; a WITHOUT ROWID table spills everything above 1,002 bytes to a
 *   page of its own (sqlite.org/fileformat2.html §1.6), and a sealed message has about 1,700.
 * - `dedup` is keyed (mailbox, id, sender): ids begin with a clock, so inserts of many senders land on one leaf.
 * - `messages.crc` is CRC-32 of the envelope: the library offers page checksums only with encryption, and a flipped bit
 *   in a row must be seen when it is read.
 * - Counters live in the mailbox row and are written in the commit of the messages they count.
 */
export const first = {
  version: 1,
  sql: `
CREATE TABLE mailboxes (
  id INTEGER PRIMARY KEY,
  device BLOB NOT NULL UNIQUE,
  account BLOB,
  next_seq INTEGER NOT NULL DEFAULT 1,
  messages INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE messages (
  slot INTEGER PRIMARY KEY,
  received INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  envelope BLOB NOT NULL
) STRICT;
CREATE INDEX messages_expires ON messages (expires);

CREATE TABLE dedup (
  mailbox INTEGER NOT NULL,
  id BLOB NOT NULL,
  sender BLOB NOT NULL,
  body_hash BLOB NOT NULL,
  seq INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (mailbox, id, sender)
) STRICT, WITHOUT ROWID;
CREATE INDEX dedup_until ON dedup (until);

CREATE TABLE expired (
  mailbox INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (mailbox, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
  account BLOB PRIMARY KEY,
  version INTEGER NOT NULL,
  bundle BLOB NOT NULL,
  devices BLOB NOT NULL,
  created_from_ip TEXT
) STRICT;

CREATE TABLE sealing_keys (
  device BLOB PRIMARY KEY,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  sealing_key BLOB NOT NULL
) STRICT;

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  hash BLOB NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER
) STRICT;
CREATE INDEX tokens_name ON tokens (name);

CREATE TABLE allowed (
  account BLOB PRIMARY KEY,
  note TEXT NOT NULL
) STRICT;
`,
} as const;
