/**
 * What the operator may ask of a running relay over the admin socket: status, clients, drain, backup, tokens, lists.
 * @module
 */
import { formatAccountId, parseAccountId } from "../crypto/account.ts";
import { QightError } from "../proto/errors.ts";
import type { AdminHandlers } from "./admin.ts";
import { accountHandlers } from "./admin/accounts.ts";
import { isoOrNull, text } from "./admin/params.ts";
import { reportHandlers } from "./admin/reports.ts";
import type { Audit } from "./audit.ts";
import { writeBackup } from "./backup.ts";
import type { Closures } from "./closures.ts";
import type { RelayConfig } from "./config.ts";
import type { DataFolder } from "./data_folder.ts";
import { maskAddress } from "./log.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { Peer } from "./peer.ts";
import type { Store } from "./storage/store.ts";
import { makeToken } from "./tokens.ts";

/** What administration needs of the relay. */
export interface AdministrationRoom {
  readonly store: Store;
  readonly closures: Closures;
  readonly peers: ReadonlySet<Peer>;
  readonly mailboxes: Mailboxes;
  readonly audit: Audit;
  readonly folder: DataFolder;
  /** What people share, as printed at the start. */
  readonly addresses: readonly string[];
  readonly config: () => RelayConfig;
  readonly draining: () => boolean;
  readonly drain: () => Promise<void>;
  /** Reads the configuration again; absent where nobody knows where it is. */
  readonly reload?: () => Promise<void>;
  readonly now: () => number;
  readonly version: string;
  readonly startedAtMs: number;
  readonly certificateExpiresAtMs: () => number;
}

/** The admin methods by name; each change is written to the audit log. */
export function adminHandlers(room: AdministrationRoom): AdminHandlers {
  const { store, audit } = room;
  /** The backup under way, in bytes of the database: copied first, then written. */
  let backup: { copy: string; written: number; all: number } | null = null;
  return {
    async status() {
      const { leases, watchers } = room.mailboxes.counts;
      return {
        address: room.addresses[0],
        addresses: room.addresses,
        version: room.version,
        deno: Deno.version.deno,
        started_at: new Date(room.startedAtMs).toISOString(),
        draining: room.draining(),
        durable: store.durable,
        auth: room.config().auth.mode,
        connections: room.peers.size,
        readers: leases,
        watchers,
        certificate_expires_at: new Date(room.certificateExpiresAtMs()).toISOString(),
        ...await storeStatus(store),
        ...(room.config().auth.mode === "account" ? { names: await store.accounts.names() } : {}),
      };
    },
    ...accountHandlers(room),
    ...reportHandlers(room),
    clients() {
      const { addresses } = room.config().log;
      return Promise.resolve([...room.peers].map((peer) => ({
        session: peer.session?.id ?? null,
        transport: peer.connection.transport,
        address: maskAddress(peer.connection.peer.hostname, addresses),
        connected_at: new Date(peer.connectedAtMs).toISOString(),
        calls: peer.calls.size,
      })));
    },
    drain() {
      audit.record("drain", {});
      // Answered first: the drain ends this very socket.
      setTimeout(() => void room.drain(), 10);
      return Promise.resolve({ draining: true });
    },
    async reload() {
      if (!room.reload) throw new QightError("unknown_method", "This relay cannot read its configuration again");
      await room.reload();
      return { reloaded: true };
    },
    async backup(params) {
      const path = text(params, "path");
      const passphrase = params.passphrase === undefined ? null : text(params, "passphrase");
      const all = (await store.stats()).fileBytes;
      const progress = (copy: string, written: number) => backup = { copy, written, all };
      await writeBackup({ store, rootSeed: room.folder.rootKey.seed, path, passphrase, progress })
        .finally(() => backup = null);
      audit.record("backup", { sealed: passphrase !== null });
      return { path, sealed: passphrase !== null };
    },
    async "backup.progress"() {
      if (!backup) return null;
      const { copy, written, all } = backup;
      return { done: Math.min(await sizeIfThere(copy), all) + written, all: 2 * all };
    },
    async "token.add"(params) {
      const name = params.name === undefined ? "" : text(params, "name");
      const ttlMs = params.ttl_ms === undefined ? null : Number(params.ttl_ms);
      const { token, hash, id } = await makeToken();
      const createdAtMs = room.now();
      const expiresAtMs = ttlMs === null ? null : createdAtMs + ttlMs;
      await store.putToken({ id, name, hash, createdAtMs, expiresAtMs });
      audit.record("token.add", { id, name });
      return { id, name, token, expires_at: isoOrNull(expiresAtMs) };
    },
    async "token.list"() {
      return (await store.tokens()).map(({ id, name, createdAtMs, expiresAtMs }) => ({
        id,
        name,
        created_at: new Date(createdAtMs).toISOString(),
        expires_at: isoOrNull(expiresAtMs),
      }));
    },
    async "token.revoke"(params) {
      const id = text(params, "id");
      if (!await store.deleteToken(id)) {
        throw new QightError("usage", `There is no token ${id}`, { hint: "qight relay token list shows them." });
      }
      audit.record("token.revoke", { id });
      return { id };
    },
    async "allow.add"(params) {
      const account = parseAccountId(text(params, "id"));
      await store.allowAccount(account, params.note === undefined ? "" : text(params, "note"));
      audit.record("allow.add", {});
      return { id: formatAccountId(account) };
    },
    async "allow.list"() {
      return (await store.allowedAccounts()).map(({ account, note }) => ({ id: formatAccountId(account), note }));
    },
    async "allow.remove"(params) {
      const account = parseAccountId(text(params, "id"));
      if (!await store.disallowAccount(account)) {
        throw new QightError("no_such_recipient", "This account is not on the list", {
          hint: "qight relay allow list shows who is.",
        });
      }
      audit.record("allow.remove", {});
      return { id: formatAccountId(account) };
    },
  };
}

async function sizeIfThere(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return 0;
    throw thrown;
  }
}

async function storeStatus(store: Store) {
  const { messages, bytes, mailboxes, accounts, groups, fileBytes } = await store.stats();
  return { messages, bytes, mailboxes, accounts, groups, file_bytes: fileBytes };
}
