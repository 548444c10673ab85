/** Doctor: the kernel's receive buffer for QUIC. @module */
import { readReceiveBufferLimit, receiveBufferWarning, WANTED_RECEIVE_BUFFER } from "../../relay/udp_buffer.ts";
import { type Check, ok, warn } from "./check.ts";

/** Too small a buffer loses packets in bursts: a matter of speed, and only of a relay's. */
export function checkUdpBuffer(limit: number | null = readReceiveBufferLimit()): Check {
  if (limit === null) return ok("udp_buffer", "This system has no such setting");
  if (receiveBufferWarning(limit) === null) return ok("udp_buffer", `${limit} bytes`);
  return warn(
    "udp_buffer",
    `${limit} bytes; a busy relay wants ${WANTED_RECEIVE_BUFFER}, a client does not mind`,
    `On a machine that runs a relay: sysctl -w net.core.rmem_default=${WANTED_RECEIVE_BUFFER}`,
  );
}
