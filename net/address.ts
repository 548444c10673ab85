/**
 * Addresses of relays: `qight://ROOT@host:port`, and whom a client trusts at such an address.
 * @module
 */

import { QightError } from "../proto/errors.ts";
import type { Trust } from "./connection.ts";
import { isIpAddress, RELAY_SERVER_NAME, rootCertificate } from "./tls.ts";

/** Port of a relay when the address names none, for UDP and TCP alike. */
const DEFAULT_PORT = 4433;

/** A parsed relay address. */
export interface RelayAddress {
  /** The relay's Ed25519 root key (32 bytes); absent when ordinary certificate roots count. */
  readonly root?: Uint8Array;
  /** Name or IP address, lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** The canonical text, port included. */
  readonly text: string;
}

/** Parses `qight://ROOT@host:port`; anything malformed is `bad_address` (64), and the text is not repeated in full. */
export function parseRelayAddress(text: string): RelayAddress {
  const scheme = /^qight:\/\//i.exec(text);
  if (!scheme) throw malformed("it does not start with qight://");
  const rest = text.slice(scheme[0].length).replace(/\/$/, "");
  const at = rest.lastIndexOf("@");
  const root = at < 0 ? undefined : parseRoot(rest.slice(0, at));
  const { host, port } = parseHostPort(rest.slice(at + 1));
  return { ...(root ? { root } : {}), host, port, text: formatRelayAddress({ root, host, port }) };
}

/** The canonical text of an address; the port is always written. */
export function formatRelayAddress(address: { root?: Uint8Array; host: string; port: number }): string {
  const root = address.root ? address.root.toBase64(BASE64URL) + "@" : "";
  return `qight://${root}${formatHostPort(address.host, address.port)}`;
}

/** `host:port`, IPv6 addresses in brackets. */
export function formatHostPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Splits `host`, `host:port` or `[v6]:port`; the default port is 4433. */
export function parseHostPort(text: string): { host: string; port: number } {
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text);
  if (!parts) throw malformed("host and port are not host:port or [IPv6]:port");
  const host = parts[1] === undefined ? checkedName(parts[2]) : checkedIpv6(parts[1]);
  const port = parts[3] === undefined ? DEFAULT_PORT : Number(parts[3]);
  if (port < 1 || port > 65_535) throw malformed("the port is not between 1 and 65535");
  return { host, port };
}

/** Whom a client must find at the address: the relay's root, or ordinary roots and the host's own name. */
export function trustFor(address: Pick<RelayAddress, "root" | "host">): Trust {
  return address.root
    ? { caCerts: [rootCertificate(address.root)], serverName: RELAY_SERVER_NAME }
    : { caCerts: [], serverName: address.host };
}

const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

function parseRoot(text: string): Uint8Array {
  // 43 characters carry 258 bits: the last two must be zero, else one key would have four spellings.
  if (/^[A-Za-z0-9_-]{43}$/.test(text)) {
    const root = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    if (root.toBase64(BASE64URL) === text) return root;
  }
  throw malformed("the part before @ is not a root key of 43 base64url characters");
}

function checkedName(name: string): string {
  const host = name.toLowerCase();
  const labels = host.replace(/\.$/, "").split(".");
  if (host.length > 253 || !labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))) {
    throw malformed("the host is neither a name nor an IP address");
  }
  if (
    labels.every((label) => /^\d+$/.test(label)) && !(isIpAddress(host) && labels.every((label) => Number(label) < 256))
  ) {
    throw malformed("the host is not an IPv4 address");
  }
  return host;
}

function checkedIpv6(text: string): string {
  // The URL parser knows every spelling of IPv6 and writes the canonical one.
  if (!/^[0-9A-Fa-f:.]+$/.test(text) || !URL.canParse(`http://[${text}]/`)) {
    throw malformed("the host is not an IPv6 address");
  }
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

function malformed(why: string): QightError {
  return new QightError("bad_address", `The relay address is malformed: ${why}`);
}
