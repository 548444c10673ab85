/**
 * The secret of an invite, or of a link between devices, as people hand it on: twelve words to read aloud, or a text
 * that carries the relay too.
 *
 * Layout: 132 bits = the secret (128) and the first 4 bits of its SHA-256, as BIP-39 has it. Words: 11 bits each, from
 * the English list. Link: the relay's address, `#invite=` (`#link=` for devices), and the same bits as 22 characters of
 * base64url.
 * @module
 */
import { base64urlnopad } from "@scure/base";
import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { QightError } from "../proto/errors.ts";
import { concat } from "./concat.ts";
import { INVITE_SECRET_BYTES } from "./invite.ts";
import { sha256Sync } from "./sha256.ts";

/** The 2,048 words, in order; the first four letters tell any two apart. */
export const INVITE_WORDS: readonly string[] = wordlist;
/** Words of an invite. */
export const INVITE_WORD_COUNT = 12;

/** What the secret is for: the mark in its link, and how a mistake is called. */
export interface CodeKind {
  readonly mark: string;
  readonly error: "bad_invite" | "bad_code";
  /** With its article. */
  readonly noun: string;
}

/** Invites: between two people. */
export const INVITE_CODE: CodeKind = { mark: "#invite=", error: "bad_invite", noun: "an invite" };
/** Link codes: between two devices of one person. */
export const LINK_CODE: CodeKind = { mark: "#link=", error: "bad_code", noun: "a link code" };

/** A link taken apart: where the invite was made, and its secret. */
export interface InviteLink {
  /** The relay's address as it stands in the link; not checked here. */
  readonly relay: string;
  readonly secret: Uint8Array; // 16 bytes
}

/** The secret as twelve words with single spaces. */
export function formatInviteWords(secret: Uint8Array): string {
  return entropyToMnemonic(secret, wordlist);
}

/** The words in a text: in lower case, whatever stands between them. */
export function splitInviteWords(text: string): string[] {
  return text.normalize("NFKC").toLowerCase().split(/[^\p{L}]+/u).filter((word) => word !== "");
}

/** The secret of twelve words; throws `bad_invite` (`bad_code`), which names no word: they are a secret. */
export function parseInviteWords(words: readonly string[], { error, noun }: CodeKind = INVITE_CODE): Uint8Array {
  if (words.length !== INVITE_WORD_COUNT) {
    const begun = `${noun[0].toUpperCase()}${noun.slice(1)}`;
    throw new QightError(error, `${begun} has ${INVITE_WORD_COUNT} words, and these are ${words.length}`);
  }
  if (words.every((word) => wordlist.includes(word))) {
    try {
      return mnemonicToEntropy(words.join(" "), wordlist);
    } catch (cause) {
      throw new QightError(error, "These words do not belong together: one is another word, or in another place", {
        cause,
      });
    }
  }
  throw new QightError(error, `One of the words is in no ${noun.split(" ").slice(1).join(" ")}`);
}

/** The link for a secret and a relay's address. */
export function formatInviteLink(relay: string, secret: Uint8Array, { mark }: CodeKind = INVITE_CODE): string {
  return `${relay}${mark}${base64urlnopad.encode(concat(secret, checksum(secret))).slice(0, CODE_LENGTH)}`;
}

/** Whether a text is meant as a link. */
export function isInviteLink(text: string): boolean {
  return /^qight:/i.test(text);
}

/** Takes a link apart; throws `bad_invite` (`bad_code`), which repeats nothing of it. */
export function parseInviteLink(text: string, { mark, error }: CodeKind = INVITE_CODE): InviteLink {
  const at = text.indexOf(mark);
  if (at < 0) {
    throw new QightError(error, `This is the address of a relay, or a link without its end (${mark}…)`);
  }
  const code = text.slice(at + mark.length);
  if (!/^[A-Za-z0-9_-]{22}$/.test(code)) {
    throw new QightError(error, `The link is damaged: ${CODE_LENGTH} characters belong behind ${mark}`);
  }
  // The 23rd character of 17 bytes holds their last 4 bits, which are not used.
  const bytes = base64urlnopad.decode(`${code}A`);
  const secret = bytes.slice(0, INVITE_SECRET_BYTES);
  if (bytes[INVITE_SECRET_BYTES] === checksum(secret)[0]) return { relay: text.slice(0, at), secret };
  throw new QightError(error, "The link is damaged: its end does not fit the rest");
}

const CODE_LENGTH = 22;

/** BIP-39, "Generating the mnemonic": the first 4 bits of SHA-256, here in the high half of a byte. */
function checksum(secret: Uint8Array): Uint8Array {
  return Uint8Array.of(sha256Sync(secret)[0] & 0xf0);
}
