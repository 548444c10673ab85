/**
 * Decides what of an event's fields may be shown: masks addresses, hides ids, drops secrets.
 * @module
 */

import { QightError } from "../../proto/errors.ts";
import { expandIpv6 } from "../limits/limit_key.ts";

type AddressMode = "masked" | "full" | "none";

const secretName = /(token|secret|passphrase|password|seed|private|proof|nonce)/i;
const harmlessName = /^token_?id$/i;
const idName =
  /^(account|device|mailbox|sender|recipient|from|to|message|id|key|peer_?key|bundle|lease|request_?id)s?$/i;
const addressName = /^(ip|address|peer|remote|client|forwarded)$/i;

// Ids that slip into sentences: public ids, tokens, and 32 or more hex digits or 43 base64url characters in a row.
const idText =
  /\b(?:qid1[a-z0-9]{8,}|QID1[A-Z0-9]{8,}|qight_[A-Za-z0-9_-]{16,}|[0-9a-fA-F]{32,})\b|(?<![\w-])[\w-]{43}(?![\w-])/g;
const ipv4Text = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)(?::\d{1,5})?/g;
const ipv6Text =
  /\[[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\](?::\d{1,5})?|(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])/g;
// C0, C1, and the bidirectional controls of Unicode: remote text must not steer the operator's terminal.
// deno-lint-ignore no-control-regex
const controls = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The fields as they may be written; `ids` is true only for debug events. */
export function presentable(
  fields: Readonly<Record<string, unknown>>,
  show: { addresses: AddressMode; ids: boolean },
): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (secretName.test(name) && !harmlessName.test(name)) continue;
    if (idName.test(name) && !show.ids) continue;
    if (addressName.test(name)) {
      const masked = maskAddress(String(value), show.addresses);
      if (masked !== "") shown[name] = masked;
    } else shown[name] = plain(value, name, show);
  }
  return shown;
}

/**
 * An address (with or without port) as the log shows it: IPv4 without its last number, IPv6 by its first 48 bits,
 * never with a port; "" for `none`.
 */
export function maskAddress(ip: string, mode: AddressMode): string {
  if (mode === "none") return "";
  const address = escapeControls(ip.slice(0, 80));
  if (mode === "full") return address;
  const host = address.replace(/^\[([^\]]*)\](?::\d+)?$/, "$1").replace(/^([^:]*):\d+$/, "$1").replace(/%.*$/, "");
  const ipv4 = /^(?:.*:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.\d{1,3}$/.exec(host);
  if (ipv4) return `${ipv4[1]}.${ipv4[2]}.${ipv4[3]}.x`;
  if (/^[0-9a-fA-F:]*:[0-9a-fA-F:]*$/.test(host)) {
    if (host === "::1") return host;
    return `${expandIpv6(host).slice(0, 3).join(":")}::x`;
  }
  return "x"; // a name says as much as an address
}

function plain(value: unknown, name: string, show: { addresses: AddressMode; ids: boolean }): unknown {
  if (value instanceof Error) return sentence(describe(value), { ...show, foreign: true });
  if (value instanceof Uint8Array) return show.ids ? value.toHex() : `${value.length} bytes`;
  if (typeof value === "bigint") return String(value);
  // Only error sentences can carry a peer's address; `listen` and `advertise` are the relay's own.
  if (typeof value === "string") return sentence(value, { ...show, foreign: /error|reason|cause/i.test(name) });
  if (Array.isArray(value)) return value.map((item) => plain(item, name, show));
  if (typeof value === "object" && value !== null) return presentable(value as Record<string, unknown>, show);
  return typeof value === "function" || typeof value === "symbol" ? undefined : value;
}

function describe(error: Error): string {
  return error instanceof QightError ? `${error.code}: ${error.message}` : `${error.name}: ${error.message}`;
}

function sentence(text: string, show: { addresses: AddressMode; ids: boolean; foreign: boolean }): string {
  let shown = escapeControls(text.slice(0, 4096));
  // qight://ROOT@… is the relay's own public address; everything else that looks like an id is somebody's.
  if (!show.ids) shown = shown.replace(idText, (id, at: number) => shown.startsWith("qight://", at - 8) ? id : "…");
  if (show.foreign && show.addresses !== "full") {
    const mask = (address: string) => maskAddress(address, show.addresses) || "…";
    shown = shown.replace(ipv4Text, mask).replace(ipv6Text, mask);
  }
  return shown;
}

function escapeControls(text: string): string {
  return text.replace(controls, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
