/**
 * Access tokens: random, shown once, kept as hashes.
 * @module
 */

import { createHash } from "node:crypto";
import { QightError } from "../proto/errors.ts";
import type { RelayConfig } from "./config.ts";
import { octal, pathError } from "./data_folder/folder.ts";
import type { Store } from "./storage/store.ts";

/** A fresh token. Only `token` opens the relay; the other two may be stored. */
export interface MadeToken {
  readonly token: string;
  readonly hash: Uint8Array;
  readonly id: string;
}

const prefix = "qight_"; // a typed prefix lets people and leak scanners tell what it is
const largestFile = 1024 * 1024;

/** Makes a token of 256 random bits. */
export function makeToken(random: Uint8Array = crypto.getRandomValues(new Uint8Array(32))): MadeToken {
  const token = prefix + random.toBase64({ alphabet: "base64url", omitPadding: true });
  const hash = tokenHash(token);
  return { token, hash, id: tokenId(hash) };
}

/** Makes and stores a token where a relay in token mode has none yet, so that somebody can come in; null elsewhere. */
export async function makeFirstToken(
  config: RelayConfig,
  store: Store,
  fileTokens: readonly Uint8Array[],
  now: () => number,
): Promise<string | null> {
  if (config.auth.mode !== "token" || fileTokens.length > 0 || (await store.tokens()).length > 0) return null;
  const { token, hash, id } = await makeToken();
  await store.putToken({ id, name: "first", hash, createdAtMs: now(), expiresAtMs: null });
  return token;
}

/** SHA-256 of a token as given; a fast hash is enough because tokens are random, not chosen. */
export function tokenHash(token: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(token.trim()).digest());
}

/** Short public handle of a token: the first 8 hex digits of its hash. */
function tokenId(hash: Uint8Array): string {
  return hash.subarray(0, 4).toHex();
}

/**
 * Hashes of the tokens in `auth.tokens_file`; none for "". Each line is `[NAME] TOKEN` or `[NAME] sha256:HEX`, `#`
 * begins a comment. Throws `config` (with the line, never its text) and `insecure_config` when others may read it.
 */
export async function readTokensFile(path: string): Promise<Uint8Array[]> {
  if (path === "") return [];
  let text: string;
  try {
    using file = await Deno.open(path, { read: true });
    const { mode, size } = await file.stat();
    if (mode !== null && (mode & 0o007) !== 0) {
      throw new QightError("insecure_config", `auth.tokens_file ${path} is open to all users (mode ${octal(mode)})`, {
        hint: `Run: chmod 600 ${path}`,
      });
    }
    if (size > largestFile) throw new QightError("config", `auth.tokens_file ${path} is larger than 1 MiB`);
    text = await new Response(file.readable).text();
  } catch (thrown) {
    if (thrown instanceof QightError) throw thrown;
    throw pathError("config", "Cannot read auth.tokens_file", path, thrown);
  }
  return parseTokens(text, path);
}

function parseTokens(text: string, path: string): Uint8Array[] {
  return text.split("\n").flatMap((line, index) => {
    const words = line.trim().split(/\s+/);
    if (words[0] === "" || words[0].startsWith("#")) return [];
    const last = words[words.length - 1];
    const hashed = /^sha256:([0-9a-fA-F]{64})$/.exec(last);
    if (words.length <= 2 && hashed) return [Uint8Array.fromHex(hashed[1])];
    // 16 characters of anything guessable less would be a password, not a token.
    if (words.length <= 2 && !last.startsWith("sha256:") && last.length >= 16) return [tokenHash(last)];
    throw new QightError(
      "config",
      `${path}:${index + 1}: not [NAME] TOKEN (16 characters or more) or [NAME] sha256:HEX`,
    );
  });
}
