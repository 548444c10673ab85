/**
 * Warns when the kernel gives UDP sockets too small a receive buffer for QUIC under load.
 * @module
 */

/** What QUIC servers want, bytes (quic-go, "UDP Buffer Sizes"). */
export const WANTED_RECEIVE_BUFFER = 7_500_000;

const knob = "/proc/sys/net/core/rmem_default";

/**
 * The receive buffer that a QUIC socket gets, bytes; null where the kernel has no such knob. Deno asks for no other size, so
 * net.core.rmem_max, which other servers advise to raise, changes nothing here (`ss -ulmn` shows it as rb).
 */
export function readReceiveBufferLimit(path: string = knob): number | null {
  try {
    const bytes = Number(Deno.readTextFileSync(path).trim());
    return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
  } catch {
    return null; // not Linux, or a container that hides it: then there is nothing to advise either
  }
}

/** The warning with the command that helps, or null when the buffer is large enough or unknown. */
export function receiveBufferWarning(limit: number | null = readReceiveBufferLimit()): string | null {
  if (limit === null || limit >= WANTED_RECEIVE_BUFFER) return null;
  return `UDP receive buffer is ${limit} bytes, QUIC wants ${WANTED_RECEIVE_BUFFER}: ` +
    `run sysctl -w net.core.rmem_default=${WANTED_RECEIVE_BUFFER}`;
}

const warned = new WeakSet<object>();

/** Says it to a log, once in the life of that log. */
export function warnOfSmallReceiveBuffer(
  log: { warn(event: string): void },
  limit: number | null = readReceiveBufferLimit(),
): void {
  const warning = receiveBufferWarning(limit);
  if (warning === null || warned.has(log)) return;
  warned.add(log);
  log.warn(warning);
}
