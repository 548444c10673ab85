/**
 * The file of a backup: a header, then the relay's root key and database in chunks.
 *
 *    0  16  "qight backup v1\n"
 *   16   1  1 = sealed by a passphrase, 2 = plain
 *   17   4  n, u32 BE: length of the wrapped key; 0 when plain
 *   21   n  the backup's 32-byte key, sealed by the passphrase (crypto/vault.ts)
 *   …       chunks (chunks.ts) of:  root seed (32) | made at, Unix ms (u64 BE) | database
 * @module
 */

import { concat } from "../../crypto/concat.ts";
import { domains } from "../../crypto/domains.ts";
import { openBytes, sealBytes } from "../../crypto/vault.ts";
import { QightError } from "../../proto/errors.ts";
import { CHUNK_BYTES, type ChunkCodec, plainChunks, sealedChunks } from "./chunks.ts";

/** What a backup holds besides the database. */
export interface BackupFacts {
  /** Seed of the relay's root key: secret. */
  readonly rootSeed: Uint8Array;
  readonly madeAtMs: number;
}

const MAGIC = "qight backup v1\n";
const SEALED = 1, PLAIN = 2;
const HEADER_BYTES = 21, PREFIX_BYTES = 40;
const LONGEST_WRAPPED_KEY = 4096;

/** Writes a whole backup; `database` and `out` stay open. A null passphrase leaves it readable by anybody. */
export async function writeBackupFile(options: {
  out: Deno.FsFile;
  database: Deno.FsFile;
  facts: BackupFacts;
  passphrase: string | null;
  /** Hears how many bytes of the database are written. */
  progress?: (written: number) => void;
}): Promise<void> {
  const { out, database, facts, passphrase, progress = () => {} } = options;
  const key = crypto.getRandomValues(new Uint8Array(32));
  const wrapped = passphrase === null ? new Uint8Array() : await sealBytes(key, passphrase);
  const header = concat(
    new TextEncoder().encode(MAGIC),
    Uint8Array.of(passphrase === null ? PLAIN : SEALED),
    u32(wrapped.length),
  );
  const whole = concat(header, wrapped);
  await writeAll(out, whole);
  const codec = passphrase === null ? plainChunks(whole) : await sealedChunks(key, whole);

  const prefix = new Uint8Array(PREFIX_BYTES);
  prefix.set(facts.rootSeed);
  new DataView(prefix.buffer).setBigUint64(32, BigInt(facts.madeAtMs));
  let content: Uint8Array = concat(prefix, await readUpTo(database, CHUNK_BYTES - PREFIX_BYTES));
  let written = content.length - PREFIX_BYTES;
  for (let index = 0;; index++) {
    const next = await readUpTo(database, CHUNK_BYTES);
    const chunk = await codec.encode(index, next.length === 0, content);
    await writeAll(out, concat(u32(chunk.length), chunk));
    progress(written);
    if (next.length === 0) return;
    written += next.length;
    content = next;
  }
}

/** An opened backup: every pass over it reads the file anew. */
export interface BackupReader {
  /** Checks every chunk; the database's bytes go to `sink` in order. Throws `bad_backup`. */
  read(sink: (bytes: Uint8Array) => Promise<void>): Promise<BackupFacts>;
}

/** Reads the header and unwraps the key. Throws `bad_backup`, `passphrase_needed`, `wrong_passphrase`. */
export async function openBackupFile(file: Deno.FsFile, passphrase: string | null): Promise<BackupReader> {
  const header = await readUpTo(file, HEADER_BYTES);
  const kind = header[16];
  if (
    header.length !== HEADER_BYTES || new TextDecoder().decode(header.subarray(0, 16)) !== MAGIC ||
    (kind !== SEALED && kind !== PLAIN)
  ) throw new QightError("bad_backup", "This is not a qight backup");
  const length = new DataView(header.buffer).getUint32(17);
  if (length > LONGEST_WRAPPED_KEY || (kind === PLAIN) !== (length === 0)) throw headerDamaged();
  const wrapped = await readUpTo(file, length);
  if (wrapped.length !== length) throw headerDamaged();
  const whole = concat(header, wrapped);
  if (kind === PLAIN && passphrase !== null) {
    throw new QightError(
      "bad_backup",
      "This backup is not sealed, though a passphrase was given: anybody could have made it",
      {
        hint: "If you trust the file, restore it without a passphrase.",
      },
    );
  }
  const codec = kind === PLAIN ? plainChunks(whole) : await sealedChunks(await unwrap(wrapped, passphrase), whole);
  return {
    async read(sink) {
      await file.seek(whole.length, Deno.SeekMode.Start);
      return await readChunks(file, codec, sink);
    },
  };
}

async function readChunks(
  file: Deno.FsFile,
  codec: ChunkCodec,
  sink: (bytes: Uint8Array) => Promise<void>,
): Promise<BackupFacts> {
  let facts: BackupFacts | null = null;
  let lengthBytes = await readUpTo(file, 4);
  for (let index = 0; lengthBytes.length > 0; index++) {
    const length = lengthBytes.length === 4 ? new DataView(lengthBytes.buffer).getUint32(0) : 0;
    if (length < codec.overhead || length > CHUNK_BYTES + codec.overhead) throw cut();
    const bytes = await readUpTo(file, length);
    if (bytes.length !== length) throw cut();
    lengthBytes = await readUpTo(file, 4);
    let content = await codec.decode(index, lengthBytes.length === 0, bytes);
    if (facts === null) {
      if (content.length < PREFIX_BYTES) throw headerDamaged();
      const view = new DataView(content.buffer, content.byteOffset);
      facts = { rootSeed: content.slice(0, 32), madeAtMs: Number(view.getBigUint64(32)) };
      content = content.subarray(PREFIX_BYTES);
    }
    await sink(content);
  }
  if (facts === null) throw cut();
  return facts;
}

async function unwrap(wrapped: Uint8Array, passphrase: string | null): Promise<Uint8Array> {
  if (passphrase === null) {
    throw new QightError("passphrase_needed", "This backup is sealed by a passphrase", {
      hint: "Give --passphrase-file FILE.",
    });
  }
  // A vault may also be made without a passphrase: then anybody could have forged this backup.
  if (wrapped[domains.vault.length] !== 1) throw headerDamaged();
  const key = await openBytes(wrapped, passphrase, "bad_backup");
  if (key.length !== 32) throw headerDamaged();
  return key;
}

/** Fills as much of `length` bytes as the file still has. */
async function readUpTo(file: Deno.FsFile, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const read = await file.read(bytes.subarray(at));
    if (read === null) return bytes.slice(0, at);
    at += read;
  }
  return bytes;
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function headerDamaged(): QightError {
  return new QightError("bad_backup", "The head of the backup is damaged");
}

function cut(): QightError {
  return new QightError("bad_backup", "The backup is cut off or damaged");
}
