/**
 * Which addresses count as one for limits.
 * @module
 */

/** The key of an address: IPv4 whole, IPv6 by its /64 (one subscriber has at least that many addresses). */
export function limitKey(ip: string): string {
  const host = ip.toLowerCase().replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const mapped = /^(?:::|(?:0{1,4}:){5})ffff:(\d{1,3}(?:\.\d{1,3}){3})$/.exec(host);
  if (mapped) return mapped[1];
  if (!host.includes(":")) return host;
  return `${expandIpv6(host).slice(0, 4).join(":")}::/64`;
}

/** The eight groups of an IPv6 address, without leading zeros. */
export function expandIpv6(host: string): string[] {
  const [head, tail] = host.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array(missing).fill("0"), ...right].map((group) => group.replace(/^0+(?=.)/, "")).slice(0, 8);
}
