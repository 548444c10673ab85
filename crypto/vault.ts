/**
 * Secrets at rest: a random data key, wrapped by a passphrase (Argon2id, RFC 9106) and XChaCha20-Poly1305; or, when
 * that is asked for explicitly, bytes that only a checksum guards against damage (the file's mode protects them).
 *
 * Layout: `"qight vault v1\0"`, kind (1 byte), then
 * - kind 1: memory KiB (u32), passes (u32), lanes (u8), salt (16), wrap nonce (24), wrapped data key (32 + 16), body
 *   nonce (24), body (n + 16). Numbers are big-endian. Everything before the wrapped key is its associated data, and
 *   everything before the body the body's, so the parameters cannot be changed.
 * - kind 0: the bytes themselves;
 * and at the end 8 bytes: the first of SHA-256 over all before, which tell damage from a wrong passphrase.
 *
 * As text: a line `qight key file v1`, the above in base64 with lines of 64 characters, a line `end of key file`.
 * @module
 */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { base64 } from "@scure/base";
import type { ErrorCode } from "../proto/errors.ts";
import { QightError } from "../proto/errors.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { equal } from "./equal.ts";
import { sha256 } from "./sha256.ts";
import { randomBytes } from "./webcrypto.ts";

/** How dear one guess at a passphrase is. */
export interface Argon2Params {
  /** Memory in KiB. */
  readonly memoryKiB: number;
  /** Passes over the memory. */
  readonly passes: number;
  /** Lanes. */
  readonly lanes: number;
}

/** What new vaults use: 64 MiB, three passes (RFC 9106 §4, second choice, with one lane); about 0.3 s. */
export const ARGON2_DEFAULT: Argon2Params = { memoryKiB: 65_536, passes: 3, lanes: 1 };
/** Nothing below is written or opened: 19 MiB, two passes (OWASP Password Storage Cheat Sheet). */
export const ARGON2_FLOOR: Argon2Params = { memoryKiB: 19_456, passes: 2, lanes: 1 };
/** Nothing above is opened, so that a foreign file cannot take all memory: 1 GiB, 16 passes, 16 lanes. */
export const ARGON2_CEILING: Argon2Params = { memoryKiB: 1_048_576, passes: 16, lanes: 16 };

/** Options of sealing. */
export interface SealVaultOptions {
  /** `ARGON2_DEFAULT` unless given; between floor and ceiling. */
  readonly params?: Argon2Params;
}

/** Seals bytes into the text of a key file; `null` = without a passphrase. Throws `passphrase_needed` for an empty one. */
export async function sealVault(
  plain: Uint8Array,
  passphrase: string | null,
  options: SealVaultOptions = {},
): Promise<string> {
  const lines = base64.encode(await sealBytes(plain, passphrase, options)).match(/.{1,64}/g)!;
  return [FIRST_LINE, ...lines, LAST_LINE, ""].join("\n");
}

/**
 * Opens the text of a key file. Throws `bad_key_file` for damage, `wrong_passphrase`, or `passphrase_needed` when it
 * wants one and `null` was given.
 */
export async function openVault(text: string, passphrase: string | null): Promise<Uint8Array> {
  return await openBytes(fromText(text), passphrase);
}

/** Whether the text of a key file wants a passphrase; throws `bad_key_file` when it is none. */
export function vaultNeedsPassphrase(text: string): boolean {
  return kindOf(fromText(text), "bad_key_file") === KIND_PASSPHRASE;
}

/** The binary form of `sealVault`, for backups. */
export async function sealBytes(
  plain: Uint8Array,
  passphrase: string | null,
  { params = ARGON2_DEFAULT }: SealVaultOptions = {},
): Promise<Uint8Array> {
  const magic = concat(domains.vault, Uint8Array.of(passphrase === null ? KIND_PLAIN : KIND_PASSPHRASE));
  if (passphrase === null) return await withChecksum(concat(magic, plain));
  if (passphrase === "") throw new QightError("passphrase_needed", "An empty passphrase protects nothing");
  if (!isWithin(params)) throw new QightError("config", "The Argon2id parameters are outside the allowed range");
  const salt = randomBytes(SALT_BYTES);
  const wrapNonce = randomBytes(NONCE_BYTES);
  const bodyNonce = randomBytes(NONCE_BYTES);
  const dataKey = randomBytes(KEY_BYTES);
  const wrapHeader = concat(magic, encodeParams(params), salt, wrapNonce);
  const wrapKey = await stretch(passphrase, salt, params);
  const wrapped = xchacha20poly1305(wrapKey, wrapNonce, wrapHeader).encrypt(dataKey);
  const header = concat(wrapHeader, wrapped, bodyNonce);
  const body = xchacha20poly1305(dataKey, bodyNonce, header).encrypt(plain);
  wrapKey.fill(0);
  dataKey.fill(0);
  return await withChecksum(concat(header, body));
}

/** Opens what `sealBytes` made; damage is reported as `damaged` (`bad_key_file`, or `bad_backup`). */
export async function openBytes(
  sealed: Uint8Array,
  passphrase: string | null,
  damaged: ErrorCode = "bad_key_file",
): Promise<Uint8Array> {
  const kind = kindOf(sealed, damaged);
  const end = sealed.length - CHECKSUM_BYTES;
  if (!equal(sealed.subarray(end), await checksum(sealed.subarray(0, end)))) {
    throw new QightError(damaged, "Cannot open it: the checksum does not fit, so it is damaged");
  }
  if (kind === KIND_PLAIN) return sealed.slice(MAGIC_BYTES, end);
  if (end < BODY_AT + TAG_BYTES) throw new QightError(damaged, "Cannot open it: it is cut off");
  const params = decodeParams(sealed);
  if (!isWithin(params)) throw new QightError(damaged, "Cannot open it: its Argon2id parameters are not acceptable");
  if (passphrase === null) throw new QightError("passphrase_needed");
  // No vault has an empty one, and the Argon2id library refuses it with an untyped error.
  if (passphrase === "") throw new QightError("wrong_passphrase");
  return await unwrap(sealed.subarray(0, end), passphrase, params, damaged);
}

const FIRST_LINE = "qight key file v1";
const LAST_LINE = "end of key file";
/** Longest key file, in characters; a real one has a few hundred. */
const MAX_TEXT = 1_000_000;
const KIND_PLAIN = 0;
const KIND_PASSPHRASE = 1;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const CHECKSUM_BYTES = 8;
const MAGIC_BYTES = domains.vault.length + 1;
const SALT_AT = MAGIC_BYTES + 9;
const WRAP_NONCE_AT = SALT_AT + SALT_BYTES;
const WRAPPED_AT = WRAP_NONCE_AT + NONCE_BYTES;
const BODY_NONCE_AT = WRAPPED_AT + KEY_BYTES + TAG_BYTES;
const BODY_AT = BODY_NONCE_AT + NONCE_BYTES;

async function unwrap(
  sealed: Uint8Array,
  passphrase: string,
  params: Argon2Params,
  damaged: ErrorCode,
): Promise<Uint8Array> {
  const wrapKey = await stretch(passphrase, sealed.subarray(SALT_AT, WRAP_NONCE_AT), params);
  const wrap = xchacha20poly1305(wrapKey, sealed.slice(WRAP_NONCE_AT, WRAPPED_AT), sealed.subarray(0, WRAPPED_AT));
  const dataKey = open(wrap, sealed.subarray(WRAPPED_AT, BODY_NONCE_AT), "wrong_passphrase", "The passphrase is wrong");
  wrapKey.fill(0);
  const body = xchacha20poly1305(dataKey, sealed.slice(BODY_NONCE_AT, BODY_AT), sealed.subarray(0, BODY_AT));
  const plain = open(body, sealed.subarray(BODY_AT), damaged, "Cannot open it: its content was changed");
  dataKey.fill(0);
  return plain;
}

function open(
  aead: { decrypt(ciphertext: Uint8Array): Uint8Array },
  ciphertext: Uint8Array,
  code: ErrorCode,
  sentence: string,
): Uint8Array {
  try {
    return aead.decrypt(ciphertext);
  } catch (cause) {
    throw new QightError(code, sentence, { cause });
  }
}

/** Argon2id of the passphrase in Unicode form C (RFC 8265 §4.2), so that one typed on another keyboard fits. */
async function stretch(passphrase: string, salt: Uint8Array, params: Argon2Params): Promise<Uint8Array> {
  // Half of the start of a command that asks for no passphrase: loaded when there is one.
  const { argon2id } = await import("./argon2.ts");
  return await argon2id({
    password: passphrase.normalize("NFC"),
    salt,
    memorySize: params.memoryKiB,
    iterations: params.passes,
    parallelism: params.lanes,
    hashLength: KEY_BYTES,
    outputType: "binary",
  });
}

function isWithin({ memoryKiB, passes, lanes }: Argon2Params): boolean {
  const within = (value: number, low: number, high: number) => Number.isInteger(value) && value >= low && value <= high;
  return within(memoryKiB, ARGON2_FLOOR.memoryKiB, ARGON2_CEILING.memoryKiB) &&
    within(passes, ARGON2_FLOOR.passes, ARGON2_CEILING.passes) &&
    within(lanes, ARGON2_FLOOR.lanes, ARGON2_CEILING.lanes);
}

function encodeParams({ memoryKiB, passes, lanes }: Argon2Params): Uint8Array {
  const out = new DataView(new ArrayBuffer(9));
  out.setUint32(0, memoryKiB);
  out.setUint32(4, passes);
  out.setUint8(8, lanes);
  return new Uint8Array(out.buffer);
}

function decodeParams(sealed: Uint8Array): Argon2Params {
  const view = new DataView(sealed.buffer, sealed.byteOffset + MAGIC_BYTES, 9);
  return { memoryKiB: view.getUint32(0), passes: view.getUint32(4), lanes: view.getUint8(8) };
}

function kindOf(sealed: Uint8Array, damaged: ErrorCode): number {
  const kind = sealed[domains.vault.length];
  const isOurs = equal(sealed.subarray(0, domains.vault.length), domains.vault);
  if (!isOurs || sealed.length < MAGIC_BYTES + CHECKSUM_BYTES || kind > KIND_PASSPHRASE) {
    throw new QightError(damaged, "Cannot open it: it was not made by qight, or by a newer version");
  }
  return kind;
}

async function withChecksum(bytes: Uint8Array): Promise<Uint8Array> {
  return concat(bytes, await checksum(bytes));
}

async function checksum(bytes: Uint8Array): Promise<Uint8Array> {
  return (await sha256(bytes)).subarray(0, CHECKSUM_BYTES);
}

/** Accepts Windows line ends and blank space around, since people copy key files by hand. */
function fromText(text: string): Uint8Array {
  if (text.length > MAX_TEXT) throw new QightError("bad_key_file", "This is not a key file: it is too long");
  const lines = text.trim().split(/\r?\n/);
  if (lines.length < 3 || lines[0] !== FIRST_LINE || lines[lines.length - 1] !== LAST_LINE) {
    throw new QightError("bad_key_file", `This is not a whole key file: it has no "${FIRST_LINE}" and "${LAST_LINE}"`);
  }
  try {
    return base64.decode(lines.slice(1, -1).join(""));
  } catch (cause) {
    throw new QightError("bad_key_file", "The key file is damaged: it is not base64", { cause });
  }
}
