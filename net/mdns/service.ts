/**
 * A relay as DNS-SD records (RFC 6763): what is announced, and what may be believed of what others announce.
 * @module
 */
import { Buffer } from "node:buffer";
import { QightError } from "../../proto/errors.ts";
import { formatHostPort, formatRelayAddress, parseHostPort, parseRelayAddress } from "../address.ts";
import { usableAddress } from "./links.ts";
import { type DnsPacket, type DnsRecord, plainName, sameName } from "./packet.ts";

/** The service type of relays. */
export const SERVICE = "_qight._udp.local";
/** The name under which a machine's service types are asked for (RFC 6763 §9). */
const SERVICE_TYPES = "_services._dns-sd._udp.local";
/** Version of the TXT record's contents. */
const TXT_VERSION = "1";
/** Most addresses of one relay, in an announcement and in what is kept of one. */
export const MAX_ADDRESSES = 16;

/** Seconds, RFC 6762 §10: names of hosts change, services seldom. */
const HOST_TTL = 120;
const SERVICE_TTL = 4500;
const MAX_TXT = 512;

/** What a relay says about itself. */
export interface Announced {
  /** Instance name for people, without dots; at most 63 bytes. */
  readonly name: string;
  /** One label, unique to the relay, that its addresses stand under. */
  readonly host: string;
  readonly port: number;
  /** ROOT as it stands in addresses; empty when ordinary certificate roots count. */
  readonly root: string;
  /** `host:port` that the operator advertises; empty when there is none. */
  readonly server: string;
  /** The domain that the relay speaks for; empty when there is none. */
  readonly domain: string;
  readonly addresses: readonly string[];
}

/** One relay as one packet described it; every field was checked, none is proven. */
export interface Sighting {
  /** Instance name, up to 63 bytes of anything. */
  readonly name: string;
  /** ROOT (43 characters), or null when ordinary certificate roots count. */
  readonly root: string | null;
  /** Canonical relay addresses, the advertised one first. */
  readonly addresses: readonly string[];
  /** Whether the sender is one of the addresses: what it says of other machines alone is worth less. */
  readonly ownWord: boolean;
  readonly server: string | null;
  readonly domain: string | null;
}

/** Full name of an instance. */
export function instanceName(name: string): string {
  return `${name}.${SERVICE}`;
}

/** All records of an announcement; `gone` takes them back (TTL 0, RFC 6762 §10.1). */
export function recordsOf(relay: Announced, options: { gone?: boolean } = {}): DnsRecord[] {
  const instance = instanceName(relay.name);
  const target = `${relay.host}.local`;
  const ttl = (seconds: number) => options.gone ? 0 : seconds;
  const txt = [`ver=${TXT_VERSION}`, `server=${relay.server}`, `domain=${relay.domain}`, `root=${relay.root}`];
  return [
    { name: SERVICE, type: "PTR", ttl: ttl(SERVICE_TTL), data: instance },
    { name: instance, type: "SRV", ttl: ttl(HOST_TTL), flush: true, data: { port: relay.port, target } },
    { name: instance, type: "TXT", ttl: ttl(SERVICE_TTL), flush: true, data: txt.map((each) => Buffer.from(each)) },
    ...relay.addresses.slice(0, MAX_ADDRESSES).map((address) => ({
      name: target,
      type: address.includes(":") ? "AAAA" : "A",
      ttl: ttl(HOST_TTL),
      flush: true,
      data: address,
    })),
  ];
}

/** Whether a query asks for something that this relay has. */
export function asksFor(packet: DnsPacket, relay: Pick<Announced, "name" | "host">): boolean {
  const names = [SERVICE, SERVICE_TYPES, instanceName(relay.name), `${relay.host}.local`].map(plainName);
  return (packet.questions ?? []).some(({ name }) => names.includes(plainName(name)));
}

/** The host that others' records give as the place of this instance; null when none does. */
export function otherOwner(records: readonly DnsRecord[], relay: Pick<Announced, "name" | "host">): string | null {
  const found = records.find((record) =>
    record.type === "SRV" && record.ttl !== 0 && sameName(record.name, instanceName(relay.name)) &&
    !sameName(targetOf(record), `${relay.host}.local`)
  );
  return found ? targetOf(found) : null;
}

/** The relays that a response describes; `from` is the address that the packet came from. */
export function sightingsIn(packet: DnsPacket, from: string): Sighting[] {
  const records = recordsIn(packet);
  return records.flatMap((srv) => {
    const name = instanceIn(srv.name);
    if (srv.type !== "SRV" || srv.ttl === 0 || name === null) return [];
    const txt = records.find((record) => record.type === "TXT" && sameName(record.name, srv.name));
    const fields = txt ? textFields(txt.data) : null;
    if (fields?.get("ver") !== TXT_VERSION) return [];
    const root = fields.get("root") || null;
    const server = checked(() => parseHostPort(fields.get("server") ?? ""));
    const port = Number((srv.data as { port?: unknown } | undefined)?.port);
    const hosts = records.filter((record) => isHostRecord(record) && sameName(record.name, targetOf(srv)))
      .slice(0, MAX_ADDRESSES).map((record) => String(record.data))
      .filter((address) => usableAddress(address, from));
    // Without ROOT a certificate counts, and that is made out to a name.
    const dialled = root === null ? (server ? [server] : []) : [
      ...(server ? [server] : []),
      ...hosts.map((host) => ({ host, port })),
    ];
    const addresses = dialled.flatMap((each) => checked(() => addressText(root, each)) ?? []);
    if (addresses.length === 0) return [];
    const domain = checked(() => parseHostPort(fields.get("domain") ?? "").host);
    return [{
      name,
      root,
      addresses: [...new Set(addresses)],
      ownWord: hosts.includes(from),
      server: server && formatHostPort(server.host, server.port),
      domain,
    }];
  });
}

/** Instance names that a response takes back. */
export function goodbyesIn(packet: DnsPacket): string[] {
  return recordsIn(packet).filter((record) => record.ttl === 0 && (record.type === "PTR" || record.type === "SRV"))
    .map((record) => instanceIn(record.type === "PTR" ? String(record.data) : record.name))
    .filter((name) => name !== null);
}

function recordsIn(packet: DnsPacket): DnsRecord[] {
  return packet.type === "response" ? [...packet.answers ?? [], ...packet.additionals ?? []] : [];
}

function isHostRecord({ type }: DnsRecord): boolean {
  return type === "A" || type === "AAAA";
}

function targetOf(srv: DnsRecord): string {
  return String((srv.data as { target?: unknown } | undefined)?.target ?? "");
}

function instanceIn(name: string): string | null {
  const suffix = `.${SERVICE}`;
  return plainName(name).endsWith(suffix) ? name.replace(/\.$/, "").slice(0, -suffix.length) : null;
}

/** `key=value` strings of a TXT record; the first of a key counts (RFC 6763 §6.4). Null when there is too much of it. */
function textFields(data: unknown): Map<string, string> | null {
  const strings = (Array.isArray(data) ? data : [data]).filter((each) => each instanceof Uint8Array);
  if (strings.reduce((sum, each) => sum + each.length + 1, 0) > MAX_TXT) return null;
  const fields = new Map<string, string>();
  for (const bytes of strings) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(new TextDecoder().decode(bytes)) ?? [];
    if (key !== undefined && !fields.has(key.toLowerCase())) fields.set(key.toLowerCase(), value);
  }
  return fields;
}

function addressText(root: string | null, { host, port }: { host: string; port: number }): string {
  return root === null
    ? formatRelayAddress({ host, port })
    : parseRelayAddress(`qight://${root}@${host.includes(":") ? `[${host}]` : host}:${port}`).text;
}

/** What parses, or null: whatever a stranger writes there is no reason to complain. */
function checked<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch (thrown) {
    if (thrown instanceof QightError) return null;
    throw thrown;
  }
}
