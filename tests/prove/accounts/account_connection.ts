/**
 * Connections of single devices for rows about accounts, over TCP: a killed relay says no goodbye over UDP, and the wait for
 * a timeout would be longer than the row.
 * @module
 */
import { RelayClient } from "../../../client/relay_client.ts";
import type { Signer } from "../../../crypto/ed25519.ts";
import type { OpaqueParties } from "../../../crypto/opaque.ts";
import { dial } from "../../../net/race.ts";

/** A connection, closed when it is left. */
export interface DeviceConnection extends AsyncDisposable {
  readonly relay: RelayClient;
  readonly device: Signer;
}

/** Connects as this device, with the token of a session or none. */
export async function connectAs(address: string, device: Signer, token?: string): Promise<DeviceConnection> {
  const relay = await RelayClient.connect(address, {
    signer: device,
    timeoutMs: 10_000,
    dial: (parsed, { timeoutMs }) => dial({ address: parsed, timeoutMs, transports: ["websocket"] }),
    ...(token ? { token } : {}),
  });
  return { relay, device, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

/** How both sides of OPAQUE call a name at this relay. */
export function parties({ session }: Pick<RelayClient, "session">, name: string): OpaqueParties {
  return { name, relay: session.root.toBase64({ alphabet: "base64url", omitPadding: true }) };
}
