/**
 * What the socket transports share: addresses as people write them, and why a socket could not be had.
 * @module
 */

import { QightError } from "../proto/errors.ts";
import type { PeerAddress } from "./connection.ts";

/** A socket's address with IPv4 written as IPv4 (dual-stack sockets say ::ffff:192.0.2.1). */
export function socketAddress(address: { hostname: string; port: number }): PeerAddress {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address.hostname);
  return { hostname: mapped ? mapped[1] : address.hostname, port: address.port };
}

/** Why listening failed: `port_taken`, or `config` for an address that this machine does not have. */
export function listenFailure(thrown: unknown, protocol: "udp" | "tcp", hostname: string, port: number): QightError {
  if (thrown instanceof QightError) return thrown;
  const where = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}/${protocol}`;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (thrown instanceof Deno.errors.AddrInUse || /EADDRINUSE|in use/i.test(message)) {
    return new QightError("port_taken", `Cannot listen on ${where}: another program uses it`, { cause: thrown });
  }
  return new QightError("config", `Cannot listen on ${where}: ${message}`, { cause: thrown });
}

/** The error of a stream whose peer or connection is gone. */
export function brokenStream(cause: unknown): QightError {
  if (cause instanceof QightError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new QightError("unreachable", `The stream broke: ${message}`, { cause });
}
