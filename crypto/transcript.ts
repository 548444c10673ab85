/**
 * Transcripts: lines that say by themselves when one of them was changed, dropped, moved or cut off, and who wrote them
 * down.
 *
 * ```text
 * qight transcript v1
 * 1 LINK TEXT                       one line each; TEXT is what the caller gave, without a newline
 * 2 LINK TEXT
 * end 2 DEVICE SIGNATURE BUNDLE     base64
 * ```
 *
 * LINK, in hex, is SHA-256 of `"qight transcript line v1\0"` + the link before (32 zero bytes at first) + number (u32) +
 * TEXT. SIGNATURE is the device's over `"qight transcript v1\0"` + the last link + the number of lines (u32); BUNDLE
 * says whose device it is. crypto/vault.ts seals the whole.
 *
 * @example
 * ```ts
 * import { accountFromSeed } from "./account.ts";
 * import { signBundle } from "./bundle.ts";
 * import { signerFromSeed } from "./ed25519.ts";
 * import { makeTranscript, openTranscript } from "./transcript.ts";
 * import assert from "node:assert/strict";
 *
 * const account = await accountFromSeed(new Uint8Array(32).fill(1));
 * const signer = await signerFromSeed(new Uint8Array(32).fill(2));
 * const times = { version: 1, createdAtMs: 1, expiresAtMs: 2 };
 * const bundle = await signBundle(account, { ...times, devices: [{ key: signer.publicKey, name: "", addedAtMs: 1 }] });
 * const text = await makeTranscript(["hello", "bye"], { signer, bundle });
 * assert.deepEqual((await openTranscript(text)).lines, ["hello", "bye"]);
 * await assert.rejects(openTranscript(text.replace("hello", "hullo")), /line 1 was changed/);
 * ```
 * @module
 */
import { base64 } from "@scure/base";
import { QightError } from "../proto/errors.ts";
import { lists, openBundle, type VerifiedBundle } from "./bundle.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { type Signer, verifyEd25519 } from "./ed25519.ts";
import { equal } from "./equal.ts";
import { hex } from "./hex.ts";
import { sha256Sync } from "./sha256.ts";

/** Whose word a transcript is. */
export interface TranscriptAuthor {
  readonly signer: Signer;
  /** Lists the signer's key. */
  readonly bundle: VerifiedBundle;
}

/** A transcript that is whole. */
export interface Transcript {
  readonly lines: readonly string[];
  /** Account hash of who wrote it down, 32 bytes, and the device key, 32 bytes. */
  readonly account: Uint8Array;
  readonly device: Uint8Array;
}

/** Chains and signs lines, none of which may hold a newline. */
export async function makeTranscript(
  lines: readonly string[],
  { signer, bundle }: TranscriptAuthor,
): Promise<string> {
  const out = [FIRST_LINE];
  let link: Uint8Array = new Uint8Array(LINK_BYTES);
  for (const [at, text] of lines.entries()) {
    if (text.includes("\n")) throw new QightError("invariant", "A line of a transcript has a newline");
    link = linkOf(link, at + 1, text);
    out.push(`${at + 1} ${hex(link)} ${text}`);
  }
  const signature = await signer.sign(signedBytes(link, lines.length));
  const parts = [signer.publicKey, signature, bundle.bytes].map((bytes) => base64.encode(bytes));
  return [...out, `end ${lines.length} ${parts.join(" ")}`, ""].join("\n");
}

/**
 * Checks every link and the signature; `bad_transcript` names each line that was changed, dropped, moved or cut off (the
 * first ten of them).
 */
export async function openTranscript(text: string): Promise<Transcript> {
  const rows = text.split("\n");
  if (rows.shift() !== FIRST_LINE) throw bad(["it is none, or was made by a newer qight"]);
  const end = END.exec(rows.at(-1) === "" ? rows.at(-2) ?? "" : "");
  if (end) rows.splice(-2);
  const { lines, link, faults, last } = follow(rows.filter((row, at) => row !== "" || at < rows.length - 1));
  if (!end) throw bad([...faults, `it was cut off after line ${last}`]);
  if (Number(end[1]) > last) faults.push(named("is", last + 1, Number(end[1]), "missing"));
  if (Number(end[1]) < last) faults.push(named("was", Number(end[1]) + 1, last, "added"));
  if (faults.length > 0) throw bad(faults);
  return { lines, ...await signedBy(end, link, last) };
}

/** Reads the chain: each line is compared with the link that the one before it has, so one change is one fault. */
function follow(rows: readonly string[]) {
  const faults: string[] = [];
  const links = new Map<number, { written: Uint8Array; text: string }>();
  let last = 0;
  for (const row of rows) {
    const [, number, written, text] = ROW.exec(row) ?? [];
    const at = Number(number);
    if (number === undefined) faults.push(`behind line ${last} stands something that is no line`);
    else if (links.has(at)) faults.push(`line ${at} is there twice`);
    else {
      if (at < last) faults.push(`line ${at} stands behind line ${last}`);
      links.set(at, { written: bytesOf(written), text });
      last = Math.max(last, at);
    }
  }
  let link: Uint8Array = new Uint8Array(LINK_BYTES);
  const numbers = [...links.keys()].sort((a, b) => a - b);
  for (const [index, at] of numbers.entries()) {
    const before = numbers[index - 1] ?? 0;
    const { written, text } = links.get(at)!;
    if (at > before + 1) faults.push(named("is", before + 1, at - 1, "missing"));
    else if (!equal(linkOf(link, at, text), written)) faults.push(`line ${at} was changed`);
    link = written;
  }
  return { lines: numbers.map((at) => links.get(at)!.text), link, faults, last };
}

async function signedBy([, , ...parts]: RegExpExecArray, link: Uint8Array, count: number) {
  const [device, signature, bytes] = parts.map(decode);
  const bundle = await openBundle(bytes);
  if (!lists(bundle, device)) {
    throw bad([`it is signed by a device that ${bundle.accountId} does not list`]);
  }
  if (!await verifyEd25519(device, signedBytes(link, count), signature)) {
    throw bad(["its lines fit each other, but not the signature: somebody else wrote all of it anew"]);
  }
  return { account: bundle.account, device };
}

function linkOf(before: Uint8Array, number: number, text: string): Uint8Array {
  return sha256Sync(concat(domains.transcriptLine, before, u32(number), encoder.encode(text)));
}

function signedBytes(link: Uint8Array, count: number): Uint8Array {
  return concat(domains.transcript, link, u32(count));
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function bytesOf(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g)!, (two) => parseInt(two, 16));
}

function decode(text: string): Uint8Array {
  try {
    return base64.decode(text);
  } catch (cause) {
    throw new QightError("bad_transcript", "The transcript is not whole: its last line is damaged", { cause });
  }
}

function named(verb: "is" | "was", first: number, last: number, what: string): string {
  if (first === last) return `line ${first} ${verb} ${what}`;
  return `lines ${first} to ${last} ${verb === "is" ? "are" : "were"} ${what}`;
}

function bad(faults: readonly string[]): QightError {
  const more = faults.length > MOST_FAULTS ? ` and ${faults.length - MOST_FAULTS} more` : "";
  const sentence = `${faults.slice(0, MOST_FAULTS).join(", ")}${more}`;
  return new QightError("bad_transcript", `The transcript is not whole: ${sentence}`);
}

const FIRST_LINE = "qight transcript v1";
const ROW = /^([1-9]\d{0,8}) ([0-9a-f]{64}) (.*)$/s;
const END = /^end (0|[1-9]\d{0,8}) (\S+) (\S+) (\S+)$/;
const LINK_BYTES = 32;
const MOST_FAULTS = 10;
const encoder = new TextEncoder();
