/** Doctor: the relay over QUIC and over WebSocket, each by itself. @module */
import { RelayClient } from "../../client/relay_client.ts";
import { formatHostPort, parseRelayAddress, type RelayAddress } from "../../net/address.ts";
import { dial } from "../../net/race.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import type { Settings } from "../settings.ts";
import { accessToken } from "../token.ts";
import { type Check, failed, ok, warn } from "./check.ts";

type Transport = "quic" | "websocket";

/** What one transport did. */
export type Trip =
  | {
    readonly ms: number;
    readonly version: string;
    /** How far this machine's clock is ahead of the relay's, milliseconds. */
    readonly aheadMs: number;
    /** What the relay says to a call that only those may make whom it lets in; null when it answers. */
    readonly refusal: QightError | null;
  }
  | { readonly error: QightError };

/** Both trips. */
export interface Trips {
  readonly quic: Trip;
  readonly websocket: Trip;
}

/** Connects twice at the same time; never rejects but for an address or a token file that cannot be read. */
export async function travel(settings: Settings): Promise<Trips> {
  const address = parseRelayAddress(settings.relay!);
  const token = await accessToken(settings);
  const silence = new AbortController();
  const trip = async (transport: Transport): Promise<Trip> => {
    try {
      return await roundTrip(address, transport, settings.timeoutMs, silence.signal, token);
    } catch (thrown) {
      return { error: asQightError(thrown) };
    }
  };
  const quicTrip = trip("quic");
  const websocket = await trip("websocket");
  const timer = setTimeout(() => {
    silence.abort(
      new QightError("unreachable", `${formatHostPort(address.host, address.port)} does not answer over QUIC`),
    );
  }, QUIC_GRACE_MS);
  const quic = await quicTrip;
  clearTimeout(timer);
  return { quic, websocket };
}

/** A closed UDP port says nothing: once TCP has answered or refused, so much longer is enough, milliseconds. */
const QUIC_GRACE_MS = 2_000;

/** One line for each transport. One that does not get through is a warning while the other does. */
export function checkTrips(trips: Trips): Check[] {
  return (["quic", "websocket"] as const).map((transport) => {
    const trip = trips[transport];
    if ("ms" in trip) return ok(transport, `${trip.ms} ms  qight ${trip.version}`);
    const other = trips[transport === "quic" ? "websocket" : "quic"];
    const fallback = trip.error.code === "unreachable" && "ms" in other;
    return fallback ? warn(transport, trip.error.message, CLOSED[transport]) : failed(transport, trip.error);
  });
}

/** Whether the token is taken. Allow lists are not asked: that would take the key, and the key its passphrase. */
export function checkToken(trip: Trip, given: boolean): Check | null {
  const refusal = "error" in trip ? trip.error : trip.refusal;
  if (refusal?.code === "bad_token") return failed("token", refusal);
  if ("error" in trip) return null;
  return ok("token", given ? "The relay takes the token" : "None is wanted");
}

const CLOSED = {
  quic: "Everything works over WebSocket, slower. Open the relay's port for UDP too (docs: -p 4433:4433/udp).",
  websocket: "Everything works over QUIC. Networks that block UDP need the relay's port open for TCP too.",
} as const;

async function roundTrip(
  address: RelayAddress,
  transport: Transport,
  timeoutMs: number,
  signal: AbortSignal,
  token?: string,
) {
  const connection = await dial({ address, transports: [transport], timeoutMs, quicGraceMs: timeoutMs, signal });
  await using client = await RelayClient.over(connection, address, {
    timeoutMs,
    ...(token === undefined ? {} : { token }),
  });
  const before = performance.now();
  await client.ping();
  const ms = Math.round((performance.now() - before) * 100) / 100;
  const aheadMs = Date.now() - client.relayNowMs();
  const refusal = await client.capabilities().then(() => null, asQightError);
  return { ms, version: client.session.relayVersion, aheadMs, refusal };
}
