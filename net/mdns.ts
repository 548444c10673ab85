/**
 * Multicast DNS on every network interface of this machine: sends packets to all of them, hands on what is worth reading.
 * The only file that touches the mDNS package.
 * @module
 */
import { createSocket, type Socket } from "node:dgram";
import type { EventEmitter } from "node:events";
import { networkInterfaces } from "node:os";
import { QightError } from "../proto/errors.ts";
import { type Link, linksOf, type Reach } from "./mdns/links.ts";
import { type DnsPacket, type DnsRecord, PacketGate } from "./mdns/packet.ts";

/** The port of mDNS, RFC 6762 §3. */
const MDNS_PORT = 5353;
const GROUPS = { 4: "224.0.0.251", 6: "ff02::fb" } as const;

/** How to listen. */
export interface MulticastOptions {
  readonly reach: Reach;
  /** A packet that is worth reading, with the sender's address (an IPv6 zone is cut off). */
  onPacket(packet: DnsPacket, from: string): void;
  /** Something that did not work on one interface; the others go on. */
  onTrouble?(what: string): void;
  /** The machine's interfaces; asked of the system unless handed in. */
  readonly interfaces?: typeof networkInterfaces;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** Open sockets, one for each interface and family. */
export interface Multicast extends AsyncDisposable {
  /** Sends to the group on every interface; resolves when the system has taken it. */
  send(packet: DnsPacket): Promise<void>;
  /** Opens and closes sockets as interfaces came and went; true when something changed. */
  refresh(): Promise<boolean>;
}

/**
 * Opens mDNS; `port_taken` when another program has the port for itself, `io` when multicast works on no interface. A machine
 * without a network is fine: `refresh` finds what comes later.
 */
export async function openMulticast(options: MulticastOptions): Promise<Multicast> {
  const { reach, interfaces = networkInterfaces, now = () => performance.now() } = options;
  const gate = new PacketGate(now);
  const open = new Map<string, Channel>();
  const failed = new Set<string>();
  let lastFailure: QightError | undefined;

  const refresh = async () => {
    const wanted = linksOf(interfaces(), reach);
    let changed = false;
    for (const [key, channel] of open) {
      if (wanted.some((link) => link.key === key)) continue;
      open.delete(key);
      await channel.close();
      changed = true;
    }
    for (const link of wanted.filter(({ key }) => !open.has(key))) {
      try {
        open.set(link.key, await openChannel(link, options, gate));
        failed.delete(link.key);
        changed = true;
      } catch (thrown) {
        lastFailure = openFailure(thrown, link);
        // Tried again at each refresh, said once.
        if (!failed.has(link.key)) options.onTrouble?.(lastFailure.message);
        failed.add(link.key);
      }
    }
    return changed;
  };
  await refresh();
  if (open.size === 0 && lastFailure) throw lastFailure;
  return {
    refresh,
    send: async (packet) => {
      await Promise.all([...open.values()].map((channel) => channel.send(packet)));
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...open.values()].map((channel) => channel.close()));
      open.clear();
    },
  };
}

interface Channel {
  send(packet: DnsPacket): Promise<void>;
  close(): Promise<void>;
}

/** The part of the package's instance that is used; it has no types of its own. */
interface MdnsInstance extends EventEmitter {
  send(packet: unknown, done: (error?: Error | null) => void): void;
  destroy(done: () => void): void;
}

async function openChannel(link: Link, options: MulticastOptions, gate: PacketGate): Promise<Channel> {
  const { default: multicastDns } = await import("multicast-dns") as { default: (options: unknown) => MdnsInstance };
  const type = link.family === 4 ? "udp4" : "udp6";
  // ipv6Only: an IPv6 socket that took IPv4 too could not share the port with the IPv4 one.
  const socket = createSocket({ type, reuseAddr: true, ipv6Only: link.family === 6 });
  const mdns = multicastDns({
    type,
    socket: guarded(socket, gate),
    port: MDNS_PORT,
    ip: GROUPS[link.family],
    interface: link.interface,
    // Multicast does not reach a socket that is bound to one address.
    bind: link.family === 4 ? "0.0.0.0" : "::",
  });
  const ready = Promise.withResolvers<void>();
  let opened = false;
  mdns.on("error", (error: Error) => ready.reject(error));
  mdns.on("warning", (error: Error) => {
    // Before it is ready a warning means that the group could not be joined; later, a packet that cannot be decoded.
    if (!opened) ready.reject(error);
  });
  mdns.on("packet", (packet: DnsPacket, from: { address: string }) => {
    options.onPacket(packet, from.address.replace(/%.*$/, ""));
  });
  mdns.on("networkInterface", () => ready.resolve());
  const close = () => new Promise<void>((resolve) => mdns.destroy(resolve));
  try {
    await ready.promise;
    opened = true;
  } catch (thrown) {
    await close();
    throw thrown;
  }
  return {
    close,
    send: (packet) =>
      new Promise<void>((resolve) => {
        mdns.send(encodable(packet), (error) => {
          if (error) options.onTrouble?.(`mDNS on ${link.key}: ${error.message}`);
          resolve();
        });
      }),
  };
}

/** The socket, except that only packets which are worth reading are heard. */
function guarded(socket: Socket, gate: PacketGate): Socket {
  const on = socket.on.bind(socket) as (event: string, listener: (...args: never[]) => void) => Socket;
  const hear = (event: string, listener: (...args: unknown[]) => void) => {
    if (event !== "message") return on(event, listener as (...args: never[]) => void);
    return on(event, (bytes: Uint8Array, from: { address: string }) => {
      if (gate.admits(bytes, from.address)) listener(bytes, from);
    });
  };
  socket.on = hear as Socket["on"];
  return socket;
}

/** The package changes what it is given; a response is authoritative, RFC 6762 §18.4. */
function encodable(packet: DnsPacket): unknown {
  const copy = (records: readonly DnsRecord[] = []) =>
    records.map((record) => ({ ...record, data: Array.isArray(record.data) ? [...record.data] : record.data }));
  return {
    type: packet.type,
    flags: packet.type === "response" ? 1 << 10 : 0,
    questions: [...packet.questions ?? []],
    answers: copy(packet.answers),
    authorities: copy(packet.authorities),
    additionals: copy(packet.additionals),
  };
}

function openFailure(thrown: unknown, link: Link): QightError {
  const { code, message } = thrown as { code?: string; message: string };
  if (code === "EADDRINUSE" || /address already in use|AddrInUse/i.test(message)) {
    return new QightError("port_taken", `UDP port ${MDNS_PORT} (mDNS) is held by another program for itself alone`, {
      cause: thrown,
      hint: `Find it with ss -ulpn 'sport = :${MDNS_PORT}', or give the relay's address with --relay.`,
    });
  }
  return new QightError("io", `No mDNS on ${link.key}: ${message}`, { cause: thrown });
}
