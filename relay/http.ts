/**
 * Health and metrics over plain HTTP, on loopback unless the operator says otherwise.
 * @module
 */

import { QightError } from "../proto/errors.ts";
import { parseHostPort } from "./config/addresses.ts";
import { METRICS_CONTENT_TYPE } from "./metrics.ts";

/** What the relay says about itself. */
export interface Health {
  /** False while starting or draining: send no new clients. */
  readonly ready: boolean;
  readonly [fact: string]: unknown;
}

/** A running HTTP server. */
export interface HttpServer {
  /** The port in use; null when `http.listen` is "". */
  readonly port: number | null;
  /** Ends at once; what is asked over and over need not be finished. */
  close(): Promise<void>;
}

/**
 * Serves /healthz (200 while the process works), /readyz (200 or 503) and /metrics. Throws `port_taken` naming
 * `http.listen`.
 */
export async function startHttp(options: {
  listen: string;
  health: () => Health | Promise<Health>;
  metrics: () => Promise<string>;
  onError?: (error: unknown) => void;
}): Promise<HttpServer> {
  if (options.listen === "") return { port: null, close: () => Promise.resolve() };
  const { hostname, port } = parseHostPort(options.listen);
  const abort = new AbortController();
  const answer = routes(options);
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({
      hostname,
      port,
      signal: abort.signal,
      onListen: () => {}, // Deno would print a line of its own
      onError: (error) => failed(error, options.onError),
    }, answer);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AddrInUse) {
      throw new QightError("port_taken", `http.listen: ${options.listen} is taken by another program`, {
        cause: thrown,
        hint: 'Set http.listen (or QIGHT_CFG__HTTP__LISTEN) to another address, or to "" to do without it.',
      });
    }
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new QightError("config", `http.listen: cannot listen on ${options.listen}: ${reason}`, { cause: thrown });
  }
  return {
    port: server.addr.port,
    async close() {
      abort.abort();
      await server.finished;
    },
  };
}

function routes(options: { health: () => Health | Promise<Health>; metrics: () => Promise<string> }) {
  return async (request: Request): Promise<Response> => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("method not allowed\n", { status: 405, headers: { allow: "GET, HEAD" } });
    }
    switch (new URL(request.url).pathname) {
      case "/healthz":
        return json(200, { status: "ok", ...await options.health() });
      case "/readyz": {
        const health = await options.health();
        return json(health.ready ? 200 : 503, { status: health.ready ? "ready" : "not ready", ...health });
      }
      case "/metrics":
        return new Response(await options.metrics(), { headers: { "content-type": METRICS_CONTENT_TYPE, ...always } });
      default:
        return new Response("not found: /healthz /readyz /metrics\n", { status: 404 });
    }
  };
}

const always = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body) + "\n", {
    status,
    headers: { "content-type": "application/json", ...always },
  });
}

function failed(error: unknown, onError?: (error: unknown) => void): Response {
  onError?.(error);
  return json(500, { status: "error" });
}
