/** Doctor: the relay's certificate, as it is served over TCP. @module */
import { connect } from "node:tls";
import { formatHostPort, parseRelayAddress, trustFor } from "../../net/address.ts";
import { classifyConnectFailure } from "../../net/failure.ts";
import { isIpAddress } from "../../net/tls.ts";
import { QightError } from "../../proto/errors.ts";
import { type Check, failed, ok, warn } from "./check.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** A relay renews its own at half their life, and that may be a day; one of the operator's is renewed by somebody else. */
const SOON_MS = { own: DAY_MS / 4, operators: 7 * DAY_MS } as const;

/** Whether it is trusted and how long it lasts. Over QUIC it is checked too, but Deno does not show it. */
export async function checkCertificate(relay: string, timeoutMs: number, now: number = Date.now()): Promise<Check> {
  const hasRoot = parseRelayAddress(relay).root !== undefined;
  try {
    return judgeExpiry(await servedUntil(relay, timeoutMs), now, hasRoot);
  } catch (thrown) {
    if (thrown instanceof QightError && thrown.code === "unreachable") {
      return warn("certificate", "Not seen: the relay does not answer over TCP", "See the line websocket.");
    }
    return failed("certificate", thrown);
  }
}

/** What an expiry date (milliseconds since 1970) means. */
export function judgeExpiry(until: number, now: number, hasRoot: boolean): Check {
  const days = (until - now) / DAY_MS;
  const kind = hasRoot ? "signed by the relay's root key" : "signed by a public authority";
  const text = `Valid until ${new Date(until).toISOString()}, ${kind}`;
  if (until - now > SOON_MS[hasRoot ? "own" : "operators"]) return ok("certificate", text);
  const left = days < 1 ? `${Math.max(0, Math.floor(days * 24))} hours` : `${Math.floor(days)} days`;
  const hint = hasRoot
    ? "A relay renews it by itself: see its log."
    : "The operator renews it and reloads the relay (SIGHUP).";
  return warn("certificate", `${text}: ${left} left`, hint);
}

function servedUntil(relay: string, timeoutMs: number): Promise<number> {
  const address = parseRelayAddress(relay);
  const trust = trustFor(address);
  const name = formatHostPort(address.host, address.port);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const socket = connect({
    host: address.host,
    port: address.port,
    ...(trust.caCerts.length > 0 ? { ca: [...trust.caCerts] } : {}),
    // RFC 6066 §3: an IP address is never sent as a server name.
    ...(isIpAddress(trust.serverName) ? {} : { servername: trust.serverName }),
  });
  const timer = setTimeout(
    () => reject(new QightError("unreachable", `${name} did not answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  socket.on("error", (error) => reject(classifyConnectFailure(error, { name, hasRoot: address.root !== undefined })));
  socket.on("secureConnect", () => resolve(Date.parse(socket.getPeerCertificate().valid_to)));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}
