/** Health and metrics over HTTP. @module */
import assert from "node:assert/strict";
import type { QightError } from "../../proto/errors.ts";
import { startHttp } from "../../relay/http.ts";

const parts = { health: () => ({ ready: true, durable: true }), metrics: () => Promise.resolve("x_total 1\n") };
const listen = "127.0.0.1:0";

Deno.test("the three paths answer, everything else is refused", async () => {
  const server = await startHttp({ ...parts, listen });
  const rows: [string, string, number, string][] = [
    ["GET", "/healthz", 200, '{"status":"ok","ready":true,"durable":true}\n'],
    ["GET", "/readyz", 200, '{"status":"ready","ready":true,"durable":true}\n'],
    ["GET", "/metrics", 200, "x_total 1\n"],
    ["HEAD", "/healthz", 200, ""],
    ["GET", "/healthz?x=1", 200, '{"status":"ok","ready":true,"durable":true}\n'],
    ["GET", "/", 404, "not found: /healthz /readyz /metrics\n"],
    ["GET", "/metrics/", 404, "not found: /healthz /readyz /metrics\n"],
    ["POST", "/metrics", 405, "method not allowed\n"],
  ];
  for (const [method, path, status, body] of rows) {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    assert.equal(response.status, status, `${method} ${path}`);
    assert.equal(await response.text(), body, `${method} ${path}`);
  }
  const metrics = await fetch(`http://127.0.0.1:${server.port}/metrics`);
  assert.equal(metrics.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  await metrics.body?.cancel();
  await server.close();
});

Deno.test("a relay that drains is alive but not ready", async () => {
  const server = await startHttp({ ...parts, listen, health: () => ({ ready: false }) });
  const rows: [string, number][] = [["/healthz", 200], ["/readyz", 503]];
  for (const [path, status] of rows) {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    assert.equal(response.status, status, path);
    await response.body?.cancel();
  }
  await server.close();
});

Deno.test("trouble is told to the relay, not to the caller", async () => {
  const trouble: unknown[] = [];
  const metrics = () => Promise.reject(new Error("secret path /x"));
  const server = await startHttp({ ...parts, listen, metrics, onError: (error) => trouble.push(error) });
  const response = await fetch(`http://127.0.0.1:${server.port}/metrics`);
  assert.equal(response.status, 500);
  assert.equal(await response.text(), '{"status":"error"}\n');
  assert.equal((trouble[0] as Error).message, "secret path /x");
  await server.close();
});

Deno.test("only the named address listens", async () => {
  const server = await startHttp({ ...parts, listen });
  await assert.rejects(fetch(`http://127.0.0.2:${server.port}/healthz`), TypeError);
  await server.close();
});

Deno.test("a port that is taken is 78 naming the key, and an empty address is no server", async () => {
  const server = await startHttp({ ...parts, listen });
  await assert.rejects(startHttp({ ...parts, listen: `127.0.0.1:${server.port}` }), (error: QightError) => {
    assert.equal(error.code, "port_taken");
    assert.equal(error.exit, 78);
    assert.ok(error.message.startsWith(`http.listen: 127.0.0.1:${server.port}`), error.message);
    return true;
  });
  await server.close();
  await assert.rejects(startHttp({ ...parts, listen: "192.0.2.1:9" }), (error: QightError) => error.exit === 78);
  const none = await startHttp({ ...parts, listen: "" });
  assert.equal(none.port, null);
  await none.close();
});

Deno.test("closing does not wait for idle callers", async () => {
  const server = await startHttp({ ...parts, listen });
  using idle = await Deno.connect({ hostname: "127.0.0.1", port: server.port as number });
  await (await fetch(`http://127.0.0.1:${server.port}/healthz`)).body?.cancel();
  await server.close();
  assert.equal(await idle.read(new Uint8Array(1)).catch(() => null), null);
});
