/** The operator's door without unix sockets (Windows), forced here: who gets in, and what is told to whom. @module */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { adminCall, type AdminHandlers, startAdmin } from "../../relay/admin.ts";
import { refusal } from "../helpers/refusal.ts";

const handlers: AdminHandlers = { status: (params) => Promise.resolve({ echo: params }) };

async function withDoor(test: (path: string, called: () => number) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "qight-test-" });
  const path = join(parent, "relay", "admin.sock");
  let calls = 0;
  const counted: AdminHandlers = { status: (params) => (calls++, handlers.status(params)) };
  const trouble: Error[] = [];
  try {
    const server = await startAdmin({
      socketPath: path,
      handlers: counted,
      loopback: true,
      onError: (error) => trouble.push(error),
    });
    try {
      await test(path, () => calls);
    } finally {
      await server.close();
    }
    assert.deepEqual(trouble, []);
    await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

const doorIn = async (path: string): Promise<{ port: number; secret: string }> =>
  JSON.parse(await Deno.readTextFile(path));

Deno.test("loopback door: a call is answered, and the file with port and secret is the user's alone", () =>
  withDoor(async (path) => {
    const info = await Deno.lstat(path);
    assert.deepEqual([info.isFile, info.mode! & 0o777, (await Deno.stat(dirname(path))).mode! & 0o777], [
      true,
      0o600,
      0o700,
    ]);
    assert.deepEqual(await adminCall(path, "status", { a: 1 }), { echo: { a: 1 } });
    assert.equal((await refusal(() => adminCall(path, "nothing"))).code, "unknown_method");
  }));

Deno.test("loopback door: whoever does not know the secret gets no answer to a call, whatever is said first", () =>
  withDoor(async (path, called) => {
    const { port } = await doorIn(path);
    const nonce = new Uint8Array(32).toBase64();
    const call = '{"id":1,"method":"status","params":{}}\n';
    const rows: string[] = [
      call,
      "{}\n" + call,
      "null\n" + call,
      "not json\n" + call,
      JSON.stringify({ nonce }) + "\n" + call,
      JSON.stringify({ nonce }) + "\n" + JSON.stringify({ proof: nonce }) + "\n" + call,
      JSON.stringify({ nonce: "AA==" }) + "\n" + call,
    ];
    for (const sent of rows) {
      const said = await conversation(port, sent);
      assert.ok(!said.includes("result"), `${sent} was answered with ${said}`);
    }
    assert.equal(called(), 0);
    assert.deepEqual(await adminCall(path, "status"), { echo: {} });
  }));

Deno.test("loopback door: the relay's own proof, handed back to it, opens nothing", () =>
  withDoor(async (path, called) => {
    const { port } = await doorIn(path);
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const nonce = crypto.getRandomValues(new Uint8Array(32)).toBase64();
    await write(connection, JSON.stringify({ nonce }) + "\n");
    const { proof } = JSON.parse(await read(connection));
    await write(connection, `${JSON.stringify({ proof })}\n{"id":1,"method":"status"}\n`);
    await connection.closeWrite();
    assert.equal(await rest(connection), "");
    assert.equal(called(), 0);
  }));

Deno.test("loopback door: what took over a dead relay's port gets neither a proof nor the call", async () => {
  const parent = await Deno.makeTempDir({ prefix: "qight-test-" });
  const path = join(parent, "admin.sock");
  const stranger = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const heard = (async () => {
    const connection = await stranger.accept();
    const nonce = new Uint8Array(32).toBase64();
    await read(connection);
    await write(connection, JSON.stringify({ nonce, proof: nonce }) + "\n");
    const heard = await read(connection);
    connection.close();
    return heard;
  })();
  try {
    const secret = crypto.getRandomValues(new Uint8Array(32)).toBase64();
    await Deno.writeTextFile(path, JSON.stringify({ port: stranger.addr.port, secret }) + "\n");
    const error = await refusal(() => adminCall(path, "backup", { passphrase: "correct horse" }));
    assert.equal(error.code, "not_allowed");
    assert.equal(await heard, "");
  } finally {
    stranger.close();
    await Deno.remove(parent, { recursive: true });
  }
});

const stale: readonly (readonly [string, string])[] = [
  ["of a relay that died", '{"port":1,"secret":"' + new Uint8Array(32).toBase64() + '"}\n'],
  ["that was cut", '{"port":12'],
  ["that is empty", ""],
];
for (const [what, text] of stale) {
  Deno.test(`loopback door: a file ${what} is said as such, and replaced at the next start`, async () => {
    const parent = await Deno.makeTempDir({ prefix: "qight-test-" });
    const path = join(parent, "admin.sock");
    try {
      await Deno.writeTextFile(path, text);
      const { code } = await refusal(() => adminCall(path, "status"));
      assert.equal(code, text.endsWith("\n") ? "unreachable" : "bad_key_file");
      for (const loopback of [true, false]) {
        await Deno.remove(path);
        await Deno.writeTextFile(path, text);
        const server = await startAdmin({ socketPath: path, handlers, loopback });
        assert.deepEqual(await adminCall(path, "status"), { echo: {} });
        await server.close();
        await Deno.writeTextFile(path, "");
      }
    } finally {
      await Deno.remove(parent, { recursive: true });
    }
  });
}

async function conversation(port: number, sent: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await write(connection, sent);
  await connection.closeWrite(); // a relay that let us in would end after its answer
  return await rest(connection);
}

async function write(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function read(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  return new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
}

/** All that still comes; a connection that is reset has said what it had to say. */
async function rest(connection: Deno.Conn): Promise<string> {
  let text = "";
  try {
    for (let part; (part = await read(connection)) !== "";) text += part;
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.ConnectionReset)) throw thrown;
  }
  connection.close();
  return text;
}
