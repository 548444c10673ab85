/**
 * Whose address counts for limits when connections arrive through proxies.
 * @module
 */

import { BlockList, isIP } from "node:net";
import { QightError } from "../proto/errors.ts";

/** Tells the real client's host from the socket's own host and the `X-Forwarded-For` header. */
export type ForwardedFor = (socketHost: string, header: string | undefined) => string;

/**
 * Trusts the forwarded address only as far as named proxies (addresses or CIDR networks) vouch for it:
 * from the right, the first address that is not a trusted proxy. Others' headers are ignored.
 */
export function forwardedFor(trustedProxies: readonly string[]): ForwardedFor {
  const trusted = new BlockList();
  for (const proxy of trustedProxies) addProxy(trusted, proxy);
  const isTrusted = (host: string) => isIP(host) !== 0 && trusted.check(host, isIP(host) === 6 ? "ipv6" : "ipv4");
  return (socketHost, header) => {
    if (trustedProxies.length === 0 || !isTrusted(socketHost) || header === undefined) return socketHost;
    let host = socketHost;
    for (const hop of header.split(",").map((part) => part.trim()).reverse()) {
      if (isIP(hop) === 0) return host; // what a trusted proxy did not write properly is not believed
      host = hop;
      if (!isTrusted(hop)) return host;
    }
    return host;
  };
}

function addProxy(list: BlockList, proxy: string): void {
  const [host, bits, ...more] = proxy.split("/");
  const family = isIP(host);
  const most = family === 6 ? 128 : 32;
  if (family === 0 || more.length > 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))) {
    throw new QightError(
      "config",
      `trusted_proxies: ${proxy} is neither an IP address nor a network such as 10.0.0.0/8`,
    );
  }
  list.addSubnet(host, bits === undefined ? most : Number(bits), family === 6 ? "ipv6" : "ipv4");
}
