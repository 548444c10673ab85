/**
 * Tables of the client's store, as versioned migrations.
 * @module
 */
import { conversationSettingSchema } from "./conversation_setting_table.ts";
import { fileSchema } from "./file_table.ts";
import { groupSchema, leaverSchema } from "./group_table.ts";
import { historyMarksSchema } from "./history_marks_table.ts";
import { historyMoveSchema } from "./history_move_table.ts";
import { historySchema } from "./history_table.ts";
import { inviteSchema } from "./invite_table.ts";
import { openedSchema } from "./opened_table.ts";
import { ownChangeSchema } from "./own_change_table.ts";
import { keyPackageSchema } from "./key_package_table.ts";
import { recoveryMarkSchema } from "./recovery_mark_table.ts";
import { reportableSchema } from "./reportable_table.ts";

/** Migrations in order; `user_version` counts how many have run. A released one is never changed. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE outbox (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    relay TEXT NOT NULL,
    recipient BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'held', 'sent')),
    created_at_ms INTEGER NOT NULL,
    ttl_s INTEGER NOT NULL,
    plaintext INTEGER NOT NULL,
    content BLOB,
    content_hash BLOB NOT NULL
  ) STRICT;
  CREATE INDEX outbox_state ON outbox (state, created_at_ms);
  CREATE TABLE outbox_envelope (
    id BLOB NOT NULL,
    device BLOB NOT NULL,
    envelope BLOB NOT NULL,
    lineage BLOB NOT NULL,
    counter INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'refused')),
    seq INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (id, device)
  ) STRICT;
  CREATE TABLE counter (
    lineage BLOB NOT NULL,
    device BLOB NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (lineage, device)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE void_counter (
    lineage BLOB NOT NULL,
    device BLOB NOT NULL,
    counter INTEGER NOT NULL,
    listed_by INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (lineage, device, counter)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE seen (
    sender BLOB NOT NULL,
    id BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('printing', 'shown')),
    body_hash BLOB NOT NULL,
    forget_at_ms INTEGER NOT NULL,
    PRIMARY KEY (sender, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX seen_forget ON seen (forget_at_ms);
  CREATE TABLE stream (
    sender BLOB NOT NULL,
    lineage BLOB NOT NULL,
    state TEXT NOT NULL,
    open INTEGER NOT NULL,
    PRIMARY KEY (sender, lineage)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX stream_open ON stream (open) WHERE open = 1;
  CREATE TABLE bundle (
    account BLOB NOT NULL,
    version INTEGER NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (account, version)
  ) STRICT;
  CREATE TABLE peer_sealing_key (
    device BLOB PRIMARY KEY,
    created_at_ms INTEGER NOT NULL,
    key_id BLOB NOT NULL
  ) STRICT;
  CREATE TABLE sealing_secret (
    key_id BLOB PRIMARY KEY,
    seed BLOB NOT NULL,
    published BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    erase_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE unreadable (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    added_at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
  `,
  `
  CREATE TABLE receipt (
    id BLOB NOT NULL,
    device BLOB NOT NULL,
    body_hash BLOB NOT NULL,
    receipt BLOB,
    PRIMARY KEY (id, device)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE seen ADD COLUMN sent_at_ms INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE seen_forgotten (one INTEGER PRIMARY KEY CHECK (one = 1), sent_until_ms INTEGER NOT NULL) STRICT;
  INSERT INTO seen_forgotten VALUES (1, 0);
  ALTER TABLE stream ADD COLUMN account BLOB;
  CREATE TABLE unreadable_size (one INTEGER PRIMARY KEY CHECK (one = 1), bytes INTEGER NOT NULL) STRICT;
  INSERT INTO unreadable_size SELECT 1, coalesce(sum(length(bytes)), 0) FROM unreadable;
  CREATE TRIGGER unreadable_added AFTER INSERT ON unreadable BEGIN
    UPDATE unreadable_size SET bytes = bytes + length(new.bytes);
  END;
  CREATE TRIGGER unreadable_removed AFTER DELETE ON unreadable BEGIN
    UPDATE unreadable_size SET bytes = bytes - length(old.bytes);
  END;
  `,
  `
  CREATE TABLE contact (
    folded TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    account BLOB NOT NULL UNIQUE,
    verified INTEGER NOT NULL,
    blocked INTEGER NOT NULL,
    added_at_ms INTEGER NOT NULL,
    offered BLOB
  ) STRICT, WITHOUT ROWID;
  `,
  historySchema,
  inviteSchema,
  historyMarksSchema,
  groupSchema + keyPackageSchema,
  openedSchema,
  fileSchema,
  reportableSchema,
  ownChangeSchema + historyMoveSchema,
  leaverSchema,
  recoveryMarkSchema,
  conversationSettingSchema,
];
