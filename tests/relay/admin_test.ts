/** The operator's socket: who may enter, what it answers, what a killed relay leaves. @module */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { QightError } from "../../proto/errors.ts";
import { adminCall, type AdminHandlers, startAdmin } from "../../relay/admin.ts";
import { refusal } from "../helpers/refusal.ts";

const handlers: AdminHandlers = {
  status: (params) => Promise.resolve({ echo: params }),
  nothing: () => Promise.resolve(undefined),
  full: () => Promise.reject(new QightError("queue_full", "Full", { hint: "Wait.", retryAfterMs: 250 })),
  broken: () => Promise.reject(new TypeError("oops")),
};

async function withSocket(test: (socketPath: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "qight-test-" });
  try {
    await test(join(parent, "relay", "admin.sock"));
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("the socket is 0600 in a folder that is 0700, and goes with its relay", () =>
  withSocket(async (socketPath) => {
    const server = await startAdmin({ socketPath, handlers });
    assert.equal((await Deno.stat(dirname(socketPath))).mode! & 0o7777, 0o700);
    assert.equal((await Deno.lstat(socketPath)).mode! & 0o777, 0o600);
    await server.close();
    await server.close();
    await assert.rejects(Deno.lstat(socketPath), Deno.errors.NotFound);
  }));

Deno.test("a folder that others may enter is refused with 78 before there is a socket", () =>
  withSocket(async (socketPath) => {
    await Deno.mkdir(dirname(socketPath));
    for (const bits of [0o755, 0o750, 0o701]) {
      await Deno.chmod(dirname(socketPath), bits);
      const error = await refusal(() => startAdmin({ socketPath, handlers }));
      assert.equal(error.code, "insecure_config");
      assert.equal(error.exit, 78);
      await assert.rejects(Deno.lstat(socketPath), Deno.errors.NotFound);
    }
  }));

Deno.test("a folder reached through a link is refused", () =>
  withSocket(async (socketPath) => {
    await Deno.mkdir(join(dirname(dirname(socketPath)), "elsewhere"), { mode: 0o700 });
    await Deno.symlink("elsewhere", dirname(socketPath));
    assert.equal((await refusal(() => startAdmin({ socketPath, handlers }))).code, "insecure_config");
  }));

Deno.test("calls are answered with results, and errors keep code, hint and time to wait", () =>
  withSocket(async (socketPath) => {
    const server = await startAdmin({ socketPath, handlers });
    assert.deepEqual(await adminCall(socketPath, "status", { a: [1, "ü\n"] }), { echo: { a: [1, "ü\n"] } });
    assert.equal(await adminCall(socketPath, "nothing"), null);
    const rows: [string, string][] = [
      ["full", "queue_full"],
      ["broken", "internal"],
      ["unheard-of", "unknown_method"],
      ["toString", "unknown_method"],
      ["__proto__", "unknown_method"],
    ];
    for (const [method, code] of rows) assert.equal((await refusal(() => adminCall(socketPath, method))).code, code);
    const full = await refusal(() => adminCall(socketPath, "full"));
    assert.deepEqual([full.message, full.hint, full.retryAfterMs], ["Full", "Wait.", 250]);
    await server.close();
  }));

Deno.test("what is no call is answered with an error and harms no other caller", () =>
  withSocket(async (socketPath) => {
    const trouble: Error[] = [];
    const server = await startAdmin({ socketPath, handlers, onError: (error) => trouble.push(error) });
    const rows: [string, string][] = [
      ["not json\n", "bad_frame"],
      ["\xff\xfe\n", "bad_frame"],
      ["null\n", "unknown_method"],
      ['{"id":7,"method":"status","params":[]}\n', "usage"],
      ['{"id":7,"method":{}}\n', "unknown_method"],
      ["x".repeat(1024 * 1024 + 1), "bad_frame"],
    ];
    for (const [sent, code] of rows) {
      const answer = await raw(socketPath, Uint8Array.from(sent, (char) => char.charCodeAt(0)));
      assert.equal(JSON.parse(answer).error.code, code, sent.slice(0, 40));
    }
    const two = '{"id":"a","method":"nothing"}\n{"id":"b","method":"nothing"}\n';
    assert.equal(JSON.parse(await raw(socketPath, new TextEncoder().encode(two))).id, "a");
    assert.deepEqual(await adminCall(socketPath, "status"), { echo: {} });
    await server.close();
    assert.deepEqual(trouble, []);
  }));

Deno.test("a dead relay's socket is replaced, a living one's is not", () =>
  withSocket(async (socketPath) => {
    await leaveStaleSocket(socketPath);
    const stale = await refusal(() => adminCall(socketPath, "status"));
    assert.equal(stale.code, "unreachable");
    assert.ok(stale.message.includes(socketPath));
    const server = await startAdmin({ socketPath, handlers });
    assert.equal((await refusal(() => startAdmin({ socketPath, handlers }))).code, "already_running");
    assert.deepEqual(await adminCall(socketPath, "status"), { echo: {} });
    await server.close();
    assert.equal((await refusal(() => adminCall(socketPath, "status"))).exit, 69);
  }));

Deno.test("a relay that ends before it answers is unreachable, not a hang", () =>
  withSocket(async (socketPath) => {
    const server = await startAdmin({ socketPath, handlers: { ...handlers, stop: () => server.close() } });
    assert.equal((await refusal(() => adminCall(socketPath, "stop"))).exit >= 69, true);
    await assert.rejects(Deno.lstat(socketPath), Deno.errors.NotFound);
  }));

async function raw(socketPath: string, bytes: Uint8Array): Promise<string> {
  const connection = await Deno.connect({ transport: "unix", path: socketPath });
  try {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    const buffer = new Uint8Array(4096);
    let text = "";
    while (!text.includes("\n")) {
      text += new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
    }
    return text.slice(0, text.indexOf("\n"));
  } finally {
    connection.close();
  }
}

// Deno removes the path of a listener that it closes itself, so a process has to die with it open.
async function leaveStaleSocket(socketPath: string): Promise<void> {
  await Deno.mkdir(dirname(socketPath), { mode: 0o700 });
  const code = `Deno.listen({ transport: "unix", path: ${
    JSON.stringify(socketPath)
  } }); Deno.kill(Deno.pid, "SIGKILL");`;
  await new Deno.Command(Deno.execPath(), { args: ["eval", code], stderr: "inherit" }).output();
  assert.ok((await Deno.lstat(socketPath)).isSocket);
}
