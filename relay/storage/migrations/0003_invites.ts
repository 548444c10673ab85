/**
 * Schema 3: invites.
 * @module
 */

/**
 * Schema 3. A row is made with its sealed record and `until` = `expires`; a claim writes `claimer` and a later `until`; the
 * claimer's confirmation erases the record. Without a row number, so that salvage cannot take one for an account: a row
 * that was lost with its page costs somebody a new invite.
 */
export const invites = {
  version: 3,
  sql: `
CREATE TABLE invites (
  locator BLOB PRIMARY KEY,
  creator BLOB NOT NULL,
  record BLOB,
  expires INTEGER NOT NULL,
  until INTEGER NOT NULL,
  claimer BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX invites_creator ON invites (creator);
CREATE INDEX invites_until ON invites (until);
`,
} as const;
