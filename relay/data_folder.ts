/**
 * The relay's folder: its lock, its root key, its leaf, and where database and admin socket are.
 * @module
 */

import { isAbsolute, join, resolve } from "node:path";
import type { Leaf } from "../net/connection.ts";
import { adminSocketPath } from "./data_folder/admin_socket_path.ts";
import { pathError, preparePrivateFolder } from "./data_folder/folder.ts";
import { lockFolder } from "./data_folder/lock.ts";
import { loadRootKey, type RootKey } from "./data_folder/root_key.ts";
import { writePrivateFile } from "./data_folder/private_file.ts";

export { adminSocketPath } from "./data_folder/admin_socket_path.ts";
export { type RootKey, rootSigner } from "./data_folder/root_key.ts";

/** An open data folder; nobody else can open it until `release`. */
export interface DataFolder extends AsyncDisposable {
  /** Absolute path. */
  readonly dir: string;
  readonly rootKey: RootKey;
  /** Where a database of this name (`storage.path`) is; an absolute path stays itself. */
  dbPath(path?: string): string;
  readonly auditPath: string;
  readonly adminSocketPath: string;
  /** The stored leaf, or null when there is none yet. */
  loadLeaf(): Promise<Leaf | null>;
  /** Replaces the stored leaf in one step, mode 0600. */
  storeLeaf(leaf: Leaf): Promise<void>;
  /** Gives the lock back; idempotent. */
  release(): Promise<void>;
}

/** What `openDataFolder` may be told. */
export interface DataFolderOptions {
  /** `storage.path`, when it is not relay.db: a database without its root key is refused. */
  readonly database?: string;
  /** Where systemd put credentials; `$CREDENTIALS_DIRECTORY` when absent, none when "". */
  readonly credentialsDirectory?: string;
  /** Environment that the admin socket's place depends on. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Makes (0700) or opens the folder, locks it and reads or makes the root key.
 * Throws `already_running`, `cannot_create`, `insecure_config` (key or folder open to others), `bad_key_file`.
 */
export async function openDataFolder(dir: string, options: DataFolderOptions = {}): Promise<DataFolder> {
  const folder = resolve(dir);
  const dbPath = (path = options.database ?? "relay.db") => isAbsolute(path) ? path : join(folder, path);
  await preparePrivateFolder(folder);
  const lock = await lockFolder(folder);
  try {
    const rootKey = await loadRootKey({
      folder,
      dbPath: dbPath(),
      credentialsDirectory: options.credentialsDirectory ?? Deno.env.get("CREDENTIALS_DIRECTORY") ?? "",
    });
    const leafPath = join(folder, "leaf.pem");
    return {
      dir: folder,
      rootKey,
      dbPath,
      auditPath: join(folder, "audit.log"),
      adminSocketPath: adminSocketPath(folder, options.env ?? Deno.env.toObject()),
      loadLeaf: () => loadLeaf(leafPath),
      storeLeaf: (leaf) => writePrivateFile(leafPath, `${leaf.cert.trim()}\n${leaf.key.trim()}\n`),
      release: async () => lock.release(),
      [Symbol.asyncDispose]: async () => lock.release(),
    };
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

async function loadLeaf(path: string): Promise<Leaf | null> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw pathError("io", "Cannot read", path, thrown);
  }
  const start = text.search(/-----BEGIN [A-Z ]*PRIVATE KEY-----/);
  // A damaged leaf is no loss: the caller makes a new one.
  if (start <= 0 || !text.startsWith("-----BEGIN CERTIFICATE-----")) return null;
  return { cert: text.slice(0, start), key: text.slice(start) };
}
