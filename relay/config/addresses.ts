/**
 * `host:port` as it stands in relay.toml, and which of them the world can reach.
 * @module
 */

import { QightError } from "../../proto/errors.ts";

/** A host (without brackets) and a port from 0 (any free one) to 65535. */
export interface HostPort {
  readonly hostname: string;
  readonly port: number;
}

/** Reads `127.0.0.1:4433`, `[::]:4433` or `relay.example:4433`; throws `config`. */
export function parseHostPort(text: string): HostPort {
  const parts = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (!parts || port > 65535) {
    throw new QightError(
      "config",
      `${JSON.stringify(text.slice(0, 80))} is not an address: write 127.0.0.1:4433 or [::]:4433`,
    );
  }
  return { hostname: parts[1] ?? parts[2], port };
}

/** Writes an address so that `parseHostPort` reads it back. */
export function formatHostPort({ hostname, port }: HostPort): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Whether only this machine can reach the host. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
