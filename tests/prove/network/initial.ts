/**
 * First packets of QUIC as anybody on the internet can make them: one recorded ClientHello under fresh connection ids.
 *
 * An Initial is protected with keys that follow from its own destination connection id (RFC 9001 §5.2), so an attacker
 * needs no secret to make valid ones by the thousand; the relay does the whole server side of the handshake for each.
 * @module
 */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createHmac, randomFillSync } from "node:crypto";
import { connectQuic } from "../../../net/quic.ts";
import { QightError } from "../../../proto/errors.ts";

/** RFC 9001 §5.2, QUIC version 1. */
const INITIAL_SALT = Buffer.from("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "hex");
const EMPTY = Buffer.alloc(0);
/** Bytes of the tag of AES-GCM. */
const TAG_BYTES = 16;

/** What protects one side's first packets. */
export interface InitialKeys {
  readonly key: Buffer;
  readonly iv: Buffer;
  readonly header: Buffer;
}

/** A client's first packet without its protection. */
export interface OpenInitial {
  readonly version: Buffer;
  /** Ids that take its place must be as long: a relay ignores a first datagram under 1,200 bytes (RFC 9000 §14.1). */
  readonly destination: Buffer;
  readonly source: Buffer;
  readonly packetNumber: Buffer;
  /** The frames: the ClientHello and padding. */
  readonly frames: Buffer;
}

/** The client's keys for a destination connection id. */
export function clientKeys(destination: Uint8Array): InitialKeys {
  const initial = createHmac("sha256", INITIAL_SALT).update(destination).digest();
  const client = expand(initial, "client in", 32);
  return {
    key: expand(client, "quic key", 16),
    iv: expand(client, "quic iv", 12),
    header: expand(client, "quic hp", 16),
  };
}

/** Takes the protection off a client's first datagram; throws `invariant` when it is not one. */
export function openInitial(datagram: Uint8Array): OpenInitial {
  const packet = Buffer.from(datagram);
  if ((packet[0] & 0xf0) !== 0xc0) throw new QightError("invariant", "This datagram is no QUIC Initial");
  let at = 5;
  const take = (length: number) => packet.subarray(at, at += length);
  const destination = take(packet[at++]), source = take(packet[at++]);
  take(Number(varint(packet, at).value) + varint(packet, at).bytes); // the token
  const length = varint(packet, at);
  take(length.bytes);
  const keys = clientKeys(destination);
  const mask = headerMask(keys, packet.subarray(at + 4, at + 20));
  const first = packet[0] ^ mask[0] & 0x0f;
  const packetNumber = Buffer.from(packet.subarray(at, at + (first & 3) + 1)).map((byte, i) => byte ^ mask[i + 1]);
  const head = Buffer.concat([Buffer.of(first), packet.subarray(1, at), packetNumber]);
  const body = packet.subarray(at + packetNumber.length, at + length.value);
  const opener = createDecipheriv("aes-128-gcm", keys.key, nonce(keys.iv, packetNumber)).setAAD(head);
  opener.setAuthTag(body.subarray(-TAG_BYTES));
  const frames = Buffer.concat([opener.update(body.subarray(0, -TAG_BYTES)), opener.final()]);
  return { version: packet.subarray(1, 5), destination, source, packetNumber: Buffer.from(packetNumber), frames };
}

/** The same first flight under another destination connection id: to the relay a client that it has not seen. */
export function sealInitial(open: OpenInitial, destination: Uint8Array): Buffer {
  const { version, source, packetNumber, frames } = open;
  const keys = clientKeys(destination);
  const length = packetNumber.length + frames.length + TAG_BYTES;
  const head = Buffer.concat([
    Buffer.of(0xc0 | packetNumber.length - 1),
    version,
    Buffer.of(destination.length),
    destination,
    Buffer.of(source.length),
    source,
    Buffer.of(0, 0x40 | length >> 8, length & 0xff), // no token; the length as a varint of two bytes
    packetNumber,
  ]);
  const sealer = createCipheriv("aes-128-gcm", keys.key, nonce(keys.iv, packetNumber)).setAAD(head);
  const packet = Buffer.concat([head, sealer.update(frames), sealer.final(), sealer.getAuthTag()]);
  const at = head.length - packetNumber.length;
  const mask = headerMask(keys, packet.subarray(at + 4, at + 20));
  packet[0] ^= mask[0] & 0x0f;
  for (let i = 0; i < packetNumber.length; i++) packet[at + i] ^= mask[i + 1];
  return packet;
}

/** Fresh first packets, as many as asked for, all from one recorded ClientHello. */
export function forgeInitials(open: OpenInitial, count: number): Buffer[] {
  return Array.from({ length: count }, () => sealInitial(open, randomFillSync(Buffer.alloc(open.destination.length))));
}

/** Records the first datagram of a real client of this project: `trust` as for the relay that is to be flooded. */
export async function recordInitial(trust: Parameters<typeof connectQuic>[0]["trust"]): Promise<OpenInitial> {
  using sink = new Sink();
  const giveUp = new AbortController();
  // Both sides' idle limits count, the smaller one: an attacker asks for the longest.
  const options = { hostname: "127.0.0.1", port: sink.port, trust, signal: giveUp.signal, idleTimeoutMs: 3_600_000 };
  const attempt = connectQuic(options).catch((error) => error);
  const [datagram] = await sink.socket.receive();
  giveUp.abort(new QightError("interrupted"));
  await attempt;
  return openInitial(datagram);
}

class Sink implements Disposable {
  readonly socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly port = (this.socket.addr as Deno.NetAddr).port;
  [Symbol.dispose](): void {
    this.socket.close();
  }
}

/** HKDF-Expand-Label of TLS 1.3 (RFC 8446 §7.1); all of ours fit one block of SHA-256. */
function expand(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.of(0, length, name.length), name, Buffer.of(0, 1)]);
  return createHmac("sha256", secret).update(info).digest().subarray(0, length);
}

function nonce(iv: Buffer, packetNumber: Uint8Array): Buffer {
  const bytes = Buffer.from(iv);
  for (let i = 1; i <= packetNumber.length; i++) bytes[bytes.length - i] ^= packetNumber[packetNumber.length - i];
  return bytes;
}

function headerMask(keys: InitialKeys, sample: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-128-ecb", keys.header, EMPTY);
  return cipher.update(sample);
}

function varint(bytes: Buffer, at: number): { value: number; bytes: number } {
  const size = 1 << (bytes[at] >> 6);
  if (size === 8) throw new QightError("invariant", "A length in this Initial is too long");
  return { value: bytes.readUIntBE(at, size) & [0x3f, 0x3fff, 0x3fffffff][Math.log2(size)], bytes: size };
}
