/**
 * Certificates of a relay: the root that clients rebuild from the address, and the leaves that it signs.
 * @module
 */

import { QightError } from "../proto/errors.ts";
import type { Leaf } from "./connection.ts";
import { der, pem, readDer, unpem } from "./der.ts";

/** The fixed server name that every leaf of a relay with a root key carries. */
export const RELAY_SERVER_NAME = "relay.qight";

const ROOT_NAME = "qight relay root v1";

/**
 * The PEM certificate of a relay's root, rebuilt from its 32-byte Ed25519 public key alone.
 * A trust anchor is only a subject and a key, so the signature is 64 zero bytes and nobody needs the private key.
 */
export function rootCertificate(rootPublicKey: Uint8Array): string {
  if (rootPublicKey.length !== 32) {
    throw new QightError("bad_address", `A relay's root key has 32 bytes, not ${rootPublicKey.length}`);
  }
  const ed25519 = der(SEQUENCE, der(OID, Uint8Array.of(0x2b, 0x65, 0x70))); // 1.3.101.112, RFC 8410 §3
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, der(OID, oid(2, 5, 4, 3)), der(UTF8_STRING, ascii(ROOT_NAME)))));
  const validity = der(
    SEQUENCE,
    der(UTC_TIME, ascii("700101000000Z")),
    der(GENERALIZED_TIME, ascii("99991231235959Z")),
  );
  const extension = (id: Uint8Array, value: Uint8Array) =>
    der(SEQUENCE, der(OID, id), der(BOOLEAN, Uint8Array.of(0xff)), der(OCTET_STRING, value));
  const tbs = der(
    SEQUENCE,
    der(EXPLICIT_0, der(INTEGER, Uint8Array.of(2))), // v3
    der(INTEGER, Uint8Array.of(1)), // serial
    ed25519,
    name, // issuer
    validity,
    name, // subject
    der(SEQUENCE, ed25519, bitString(rootPublicKey)),
    der(
      EXPLICIT_3,
      der(
        SEQUENCE,
        extension(oid(2, 5, 29, 19), der(SEQUENCE, der(BOOLEAN, Uint8Array.of(0xff)))), // basicConstraints CA:TRUE
        extension(oid(2, 5, 29, 15), der(BIT_STRING, Uint8Array.of(2, 0x04))), // keyUsage keyCertSign
      ),
    ),
  );
  return pem("CERTIFICATE", der(SEQUENCE, tbs, ed25519, bitString(new Uint8Array(64))));
}

/**
 * Issues a P-256 leaf for `relay.qight` and `hosts` (names or IP addresses), signed by the root key.
 * notBefore is 1970 because a router without a clock must get through TLS.
 */
export async function issueLeaf(options: {
  rootPrivateKey: CryptoKey;
  rootPublicKey: Uint8Array;
  hosts: readonly string[];
  notAfter: Date;
}): Promise<Leaf> {
  // Loaded here and not at the top: clients need rootCertificate only, and X.509 would cost them 150 ms of start time.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const hosts = [...new Set(options.hosts)].filter((host) => host !== RELAY_SERVER_NAME);
  const root = new x509.X509Certificate(rootCertificate(options.rootPublicKey));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${RELAY_SERVER_NAME}`,
    issuer: root.subjectName,
    notBefore: new Date(0),
    notAfter: options.notAfter,
    publicKey: keys.publicKey,
    signingKey: options.rootPrivateKey,
    signingAlgorithm: { name: "Ed25519" },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: RELAY_SERVER_NAME },
        ...hosts.map((host) => ({ type: isIpAddress(host) ? "ip" as const : "dns" as const, value: host })),
      ]),
    ],
  });
  const key = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return { cert: certificate.toString("pem") + "\n", key: pem("PRIVATE KEY", key) };
}

/** When the first certificate of the leaf's chain stops being valid. */
export function leafExpiry(leaf: Leaf): Date {
  const bytes = unpem("CERTIFICATE", leaf.cert);
  if (!bytes) throw new QightError("bad_certificate", "The certificate is not PEM");
  try {
    const tbs = readDer(readDer(bytes).contents).contents;
    let at = tbs[0] === EXPLICIT_0 ? readDer(tbs).next : 0; // version is optional
    for (let skip = 0; skip < 3; skip++) at = readDer(tbs, at).next; // serial, algorithm, issuer
    const validity = readDer(tbs, at).contents;
    return parseTime(readDer(validity, readDer(validity).next));
  } catch (cause) {
    throw new QightError("bad_certificate", "The certificate cannot be read", { cause });
  }
}

/** Whether a host is an IP address literal (without brackets) rather than a name. */
export function isIpAddress(host: string): boolean {
  return host.includes(":") || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

const INTEGER = 0x02, BIT_STRING = 0x03, OCTET_STRING = 0x04, OID = 0x06, BOOLEAN = 0x01, UTF8_STRING = 0x0c;
const UTC_TIME = 0x17, GENERALIZED_TIME = 0x18, SEQUENCE = 0x30, SET = 0x31, EXPLICIT_0 = 0xa0, EXPLICIT_3 = 0xa3;

function parseTime(element: { tag: number; contents: Uint8Array }): Date {
  const text = new TextDecoder().decode(element.contents);
  // RFC 5280 §4.1.2.5.1: a two-digit year of 50 or more is in the 1900s.
  const full = element.tag === UTC_TIME ? `${Number(text.slice(0, 2)) >= 50 ? 19 : 20}${text}` : text;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full);
  if (!parts) throw new RangeError("The time is malformed");
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function oid(first: number, second: number, ...rest: number[]): Uint8Array {
  return Uint8Array.of(first * 40 + second, ...rest);
}

function bitString(bytes: Uint8Array): Uint8Array {
  return der(BIT_STRING, Uint8Array.of(0), bytes);
}

function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] & 0x3f) | 0x40; // positive, and never shorter
  return bytes.toHex();
}
