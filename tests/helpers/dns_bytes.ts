/**
 * Writes DNS packets by hand, right ones and wrong ones: what an attacker on the network sends.
 * @module
 */
import { concat } from "../../crypto/concat.ts";

/** One record: its data is already in wire form. */
export interface RawRecord {
  readonly name: string;
  readonly type: number;
  readonly data: Uint8Array;
  readonly ttl?: number;
}

const encoder = new TextEncoder();

/** A response with these records as answers; `promised` may lie about how many there are. */
export function response(records: readonly RawRecord[], promised = records.length): Uint8Array {
  const header = [0, 0, 0x84, 0, 0, 0, promised >> 8, promised & 255, 0, 0, 0, 0];
  return concat(Uint8Array.from(header), ...records.map(recordBytes));
}

/** A name as labels; labels may hold any bytes but dots. */
export function nameBytes(name: string): Uint8Array {
  const labels = name.split(".").map((label) => encoder.encode(label).slice(0, 63));
  return concat(...labels.map((label) => concat(Uint8Array.of(label.length), label)), Uint8Array.of(0));
}

/** Strings of a TXT record. */
function txtBytes(strings: readonly string[]): Uint8Array {
  const bytes = strings.map((text) => encoder.encode(text).slice(0, 255));
  return concat(...bytes.map((each) => concat(Uint8Array.of(each.length), each)));
}

/** All records of one announced relay. */
export function relayRecords(
  relay: { name: string; root: string; port: number; ipv4: string; host?: string; server?: string; txt?: string[] },
): RawRecord[] {
  const instance = `${relay.name}._qight._udp.local`;
  const host = `${relay.host ?? "qight-evil"}.local`;
  const port = Uint8Array.of(0, 0, 0, 0, relay.port >> 8, relay.port & 255);
  const txt = relay.txt ?? ["ver=1", `server=${relay.server ?? ""}`, "domain=", `root=${relay.root}`];
  return [
    { name: "_qight._udp.local", type: 12, data: nameBytes(instance) },
    { name: instance, type: 33, data: concat(port, nameBytes(host)) },
    { name: instance, type: 16, data: txtBytes(txt) },
    { name: host, type: 1, data: Uint8Array.from(relay.ipv4.split(".").map(Number)) },
  ];
}

function recordBytes({ name, type, data, ttl = 120 }: RawRecord): Uint8Array {
  const fixed = new DataView(new ArrayBuffer(10));
  fixed.setUint16(0, type);
  fixed.setUint16(2, 1);
  fixed.setUint32(4, ttl);
  fixed.setUint16(8, data.length);
  return concat(nameBytes(name), new Uint8Array(fixed.buffer), data);
}
