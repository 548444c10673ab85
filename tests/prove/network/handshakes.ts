/**
 * Many clients that reach for a relay at the same time, over QUIC alone, each as patiently as the commands are.
 * @module
 */
import { systemClock, systemRandom } from "../../../client/clock.ts";
import { Reconnector } from "../../../client/reconnect.ts";
import { RelayClient } from "../../../client/relay_client.ts";
import { dial } from "../../../net/race.ts";
import { asQightError } from "../../../proto/errors.ts";

/** How the handshakes went. */
export interface Handshakes {
  /** Milliseconds until each client had said hello, in order; Infinity for one that never did. */
  readonly tookMs: readonly number[];
  /** Connections that were begun, repeats included. */
  readonly attempts: number;
  /** Why clients gave up, if any did. */
  readonly errors: readonly string[];
}

/** One attempt is given up after this long, as in the commands' default. */
const ATTEMPT_MS = 10_000;

/** Lets `count` clients connect and say hello, each within `withinMs`. */
export async function shakeHands(address: string, count: number, withinMs: number): Promise<Handshakes> {
  let attempts = 0;
  const errors: string[] = [];
  const connect = () => {
    attempts++;
    return RelayClient.connect(address, {
      timeoutMs: ATTEMPT_MS,
      dial: (parsed, { timeoutMs }) => dial({ address: parsed, timeoutMs, transports: ["quic"] }),
    });
  };
  const one = async () => {
    const began = performance.now();
    await using source = new Reconnector({ connect, timeoutMs: withinMs, clock: systemClock, random: systemRandom });
    try {
      await source.client();
    } catch (thrown) {
      errors.push(asQightError(thrown).message);
      return Infinity;
    }
    return performance.now() - began;
  };
  const tookMs = await Promise.all(Array.from({ length: count }, one));
  return { tookMs: tookMs.sort((a, b) => a - b), attempts, errors };
}
