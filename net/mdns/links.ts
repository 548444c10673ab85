/**
 * The machine's network interfaces as places to multicast from, and which addresses are worth telling others.
 * @module
 */
import { BlockList, isIP } from "node:net";
import type { NetworkInterfaceInfo } from "node:os";

/** One interface in one address family. */
export interface Link {
  /** Names it: interface, family and address. */
  readonly key: string;
  readonly family: 4 | 6;
  /** What the socket is told: an IPv4 address, or `::%eth0`. */
  readonly interface: string;
}

/** Where to multicast: to the network, to this machine alone, or both. */
export type Reach = "network" | "machine" | "both";

/** Containers and tunnels make many interfaces; more than this are not served. */
const MAX_LINKS = 32;

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** One link for each interface and family that the machine has, those of the network first. */
export function linksOf(interfaces: Interfaces, reach: Reach, system: string = Deno.build.os): Link[] {
  const links: Link[] = [];
  const named = Object.entries(interfaces).sort(([, a], [, b]) => Number(isInternal(a)) - Number(isInternal(b)));
  for (const [name, faces = []] of named) {
    const internal = isInternal(faces);
    if (reach === "network" && internal || reach === "machine" && !internal) continue;
    const four = faces.find((face) => face.family === "IPv4");
    if (four) links.push({ key: `${name} ${four.address}`, family: 4, interface: four.address });
    // IPv6 has no route for multicast over loopback; the IPv4 link reaches everybody on this machine.
    const six = internal ? undefined : faces.find((face) => face.family === "IPv6");
    const zone = system === "windows" ? six && "scopeid" in six && six.scopeid : name;
    if (six) links.push({ key: `${name} IPv6`, family: 6, interface: `::%${zone}` });
  }
  return links.slice(0, MAX_LINKS);
}

/**
 * Whether an address that somebody announced may be dialled: unicast, without a zone, and this machine's own loopback only
 * when it was said on this machine.
 */
export function usableAddress(address: string, from: string): boolean {
  const version = isIP(address);
  // An IPv4 address in IPv6 clothes would pass the rows for IPv4 by.
  if (version === 0 || address.includes("%") || /^::ffff:/i.test(address)) return false;
  const family = version === 4 ? "ipv4" : "ipv6";
  if (never.check(address, family)) return false;
  return !isLoopbackAddress(address) || isLoopbackAddress(from);
}

/** Whether only this machine has the address. */
export function isLoopbackAddress(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && loopback.check(address, version === 4 ? "ipv4" : "ipv6");
}

function isInternal(faces: readonly NetworkInterfaceInfo[] | undefined): boolean {
  return faces?.some((face) => face.internal) ?? false;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

// RFC 6890: "this network", multicast and what is reserved behind it; IPv6 unspecified, link-local, multicast.
const never = new BlockList();
never.addSubnet("0.0.0.0", 8, "ipv4");
never.addSubnet("224.0.0.0", 3, "ipv4");
never.addAddress("::", "ipv6");
never.addSubnet("fe80::", 10, "ipv6");
never.addSubnet("ff00::", 8, "ipv6");
