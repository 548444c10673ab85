/**
 * The addresses that a relay prints for people to share, and the names that it answers to.
 * @module
 */
import { networkInterfaces } from "node:os";
import { QightError } from "../proto/errors.ts";
import { formatRelayAddress, parseHostPort as parseDialled } from "../net/address.ts";
import type { RelayConfig } from "./config.ts";
import { parseHostPort } from "./config/addresses.ts";

/**
 * One address a line: `advertise` when set, else each listened address; a wildcard becomes every non-loopback
 * interface. `port` replaces a 0 (any free port). Without `root` clients use ordinary certificate roots.
 */
export function relayAddresses(
  config: Pick<RelayConfig, "listen" | "advertise">,
  root: Uint8Array | undefined,
  port: number,
): string[] {
  if (config.advertise !== "") return [formatRelayAddress({ root, ...parseDialled(config.advertise) })];
  const addresses = config.listen.flatMap((listen) => {
    const { hostname, port: listened } = parseHostPort(listen);
    const wildcard = hostname === "::" || hostname === "0.0.0.0";
    const hosts = wildcard ? interfaceAddresses(hostname === "::") : [hostname];
    return hosts.map((each) => formatRelayAddress({ root, host: each, port: listened || port }));
  });
  return [...new Set(addresses)];
}

/** What the relay may be called. */
export interface OwnNames {
  readonly root: Uint8Array;
  readonly config: Pick<RelayConfig, "advertise">;
  /** Of its certificate. */
  readonly names: readonly string[];
}

/** What a client may have dialled: our ROOT, `advertise`, or a name of our certificate (docs/protocol.md, Session proof). */
export function answersTo(dialled: string, { root, config, names }: OwnNames): boolean {
  if (dialled === root.toBase64({ alphabet: "base64url", omitPadding: true })) return true;
  if (dialled === config.advertise && dialled !== "") return true;
  try {
    return names.includes(parseDialled(dialled).host);
  } catch (thrown) {
    if (thrown instanceof QightError) return false;
    throw thrown;
  }
}

function interfaceAddresses(both: boolean): string[] {
  const found = Object.values(networkInterfaces()).flat()
    .filter((face) => face && !face.internal && (both || face.family === "IPv4"))
    // Link-local IPv6 needs a zone that an address cannot carry.
    .map((face) => face!.address).filter((address) => !address.startsWith("fe80:"));
  return found.length > 0 ? found : ["127.0.0.1"];
}
