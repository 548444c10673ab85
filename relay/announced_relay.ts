/**
 * What this relay announces of itself on the local network, by its configuration and its interfaces.
 * @module
 */
import { hostname } from "node:os";
import { parseRelayAddress } from "../net/address.ts";
import { isLoopbackAddress, type Reach } from "../net/mdns/links.ts";
import { type Announced, MAX_ADDRESSES } from "../net/mdns/service.ts";
import { relayAddresses } from "./addresses.ts";
import { Announcement } from "./announcement.ts";
import type { RelayConfig } from "./config.ts";
import { publicAddresses } from "./config/exposure.ts";
import type { Log } from "./log.ts";

/** What an announcement needs to know of its relay. */
export interface RelayToAnnounce {
  readonly config: Pick<RelayConfig, "listen" | "advertise" | "websocket" | "mdns">;
  /** The root key, 32 bytes. */
  readonly root: Uint8Array;
  /** False when addresses carry no ROOT because the operator's own certificate counts. */
  readonly ownRoot: boolean;
  /** Port of the first listener. */
  readonly port: number;
}

/** A relay that listens on loopback alone is announced on this machine alone, and never with a loopback address elsewhere. */
export function reachOf(config: RelayToAnnounce["config"]): Reach {
  return publicAddresses(config).length > 0 ? "network" : "machine";
}

/** The relay as it is announced now; null while no address of it can be reached from where it is announced. */
export function describeRelay({ config, root, ownRoot, port }: RelayToAnnounce): Omit<Announced, "name"> | null {
  const onMachine = reachOf(config) === "machine";
  // `advertise` is one name; beside it stand the addresses of the interfaces.
  const listened = relayAddresses({ ...config, advertise: "" }, undefined, port).map((text) => parseRelayAddress(text))
    .filter(({ host }) => isLoopbackAddress(host) === onMachine);
  if (listened.length === 0) return null;
  // One service has one port; a relay that listens on several is announced with the first.
  const [first] = listened;
  return {
    host: `qight-${root.toHex().slice(0, 16)}`,
    port: first.port,
    root: ownRoot ? root.toBase64({ alphabet: "base64url", omitPadding: true }) : "",
    server: config.advertise,
    domain: "",
    addresses: listened.filter((each) => each.port === first.port).map(({ host }) => host).slice(0, MAX_ADDRESSES),
  };
}

/** The instance name: as configured, else the machine's name up to its first dot. */
export function announcedName(configured: string, machine: string = hostname()): string {
  if (configured !== "") return configured;
  // A label of DNS has 63 bytes; some are left for a number behind the name.
  return machine.split(".")[0].replace(/[^A-Za-z0-9_-]/g, "").slice(0, 48) || "qight relay";
}

/** Announces until it is stopped, when `mdns.enabled` says so; otherwise null. */
export function announceRelay(relay: RelayToAnnounce, log: Log): Announcement | null {
  if (!relay.config.mdns.enabled) return null;
  return new Announcement({
    name: announcedName(relay.config.mdns.name),
    describe: () => describeRelay(relay),
    log,
    open: async (onPacket) => {
      const { openMulticast } = await import("../net/mdns.ts");
      return await openMulticast({
        reach: reachOf(relay.config),
        onPacket,
        onTrouble: (what) => log.debug("mDNS", { trouble: what }),
      });
    },
  });
}
