/** Listens for relays on this network: asks, waits, and returns what was said. Nothing that is said is proven. @module */
import { type Clock, pause, systemClock } from "../client/clock.ts";
import { type FoundRelay, FoundRelays } from "../net/mdns/found.ts";
import { SERVICE } from "../net/mdns/service.ts";

/** What was heard. */
export interface Discovery {
  /** By name and root key. */
  readonly relays: readonly FoundRelay[];
  /** Whether a limit was reached, so that a real relay may be missing. */
  readonly overflowed: boolean;
}

/** How long to listen, milliseconds. */
export interface DiscoveryOptions {
  readonly waitMs: number;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** Something that did not work on one interface. */
  onTrouble?(what: string): void;
}

/** A question may be lost on the air: it is asked again after these many milliseconds (RFC 6762 §5.2). */
const ASK_AGAIN_MS = [1_000, 2_000, 4_000, 8_000, 16_000];

/** Asks who is there and listens; `port_taken` when another program has the port of mDNS for itself. */
export async function discoverRelays(options: DiscoveryOptions): Promise<Discovery> {
  const { waitMs, signal, clock = systemClock, onTrouble } = options;
  const { openMulticast } = await import("../net/mdns.ts");
  const found = new FoundRelays();
  await using multicast = await openMulticast({
    reach: "both",
    onPacket: (packet, from) => found.add(packet, from),
    ...(onTrouble ? { onTrouble } : {}),
  });
  const ask = () => multicast.send({ type: "query", questions: [{ name: SERVICE, type: "PTR" }] });
  const until = clock.monotonic() + waitMs;
  await ask();
  for (const interval of [...ASK_AGAIN_MS, Infinity]) {
    const rest = until - clock.monotonic();
    await pause(clock, Math.min(interval, rest), signal);
    signal?.throwIfAborted();
    if (interval >= rest) break;
    await ask();
  }
  return { relays: found.list(), overflowed: found.overflowed };
}
