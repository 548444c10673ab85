/** The self-extracting file on this machine: what a user sees of it. @module */
import assert from "node:assert/strict";
import { linesOf } from "../commands/harness.ts";
import { HEADER_BYTES, treeId } from "../../scripts/build/onefile.ts";
import { buildOnce, headerScript } from "./built.ts";
import { isInstalled, say } from "./programs.ts";
import { Home } from "./unpacked.ts";

const { built, missing } = await buildOnce();
const onLinux = Deno.build.os === "linux" && Deno.build.arch === "x86_64";
const ignore = built === null || !onLinux;
const reason = missing !== null ? ` (ignored: ${missing})` : onLinux ? "" : " (ignored: this is not linux x64)";

let home: Home;
Deno.test.beforeAll(() => void (home = new Home(built?.program ?? "")));
Deno.test.afterAll(() => home[Symbol.asyncDispose]());

function row(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: name + reason, ignore, fn });
}

for (const shell of ["sh", "dash", "busybox"]) {
  const absent = !isInstalled(shell) && shell !== "dash" && shell !== "sh";
  Deno.test({
    name: `the header is understood by ${shell}${absent ? ` (ignored: ${shell} is not here)` : ""}`,
    ignore: absent,
    async fn() {
      const path = await Deno.makeTempFile();
      await Deno.writeTextFile(path, await headerScript());
      const args = shell === "busybox" ? ["sh", "-n", path] : ["-n", path];
      assert.deepEqual(await say(shell, ...args), { code: 0, text: "" });
      await Deno.remove(path);
    },
  });
}

Deno.test("the header uses no program that OpenWrt's busybox lacks", async () => {
  const script = (await headerScript()).replace(/^\s*#.*$/gm, "").replace(/"[^"$]*"/g, '""');
  const lacking = ["xz", "zstd", "stat", "realpath", "od", "install", "nohup", "timeout", "awk -v", "tar --"];
  for (const program of lacking) assert.doesNotMatch(script, new RegExp(`(^|[\\s|;(])${program}\\b`, "m"), program);
});

row("it runs with a PATH and nothing else in the environment", async () => {
  const bare = ["env", "-i", "PATH=/bin:/usr/bin", home.program, "--version"];
  // Without a home root's cache is /var/cache: hidden, so that nothing is left there.
  const hidden = 'mount -t tmpfs none /var/cache && exec "$@"';
  const ran = Deno.uid() === 0
    ? await say("unshare", "--mount", "sh", "-c", hidden, "sh", ...bare)
    : await say(bare[0], ...bare.slice(1));
  assert.equal(ran.code, 0, ran.text);
  assert.match(ran.text, /^qight \d+\.\d+\.\d+\n$/);
});

row("version --json names the commit and what the file carries", async () => {
  const { stdout } = await home.run(["version", "--json"]);
  const said = JSON.parse(stdout);
  assert.equal(said.commit, "0".repeat(40));
  assert.deepEqual(Object.keys(said.embedded), [
    "better-sqlite3-multiple-ciphers",
    "deno",
    "glibc",
    "libgcc",
    "libstdc++",
  ]);
  assert.equal(said.embedded.deno, said.deno);
});

row("selftest: store, thread, QUIC, WebSocket, X-Wing, a group, localhost and a start of itself work", async () => {
  const { code, stdout, stderr } = await home.run(["selftest", "--json"]);
  assert.equal(code, 0, stdout + stderr);
  const { ok, checks } = JSON.parse(stdout);
  assert.equal(ok, true);
  const states = Object.fromEntries(checks.map(({ name, state }: Record<string, string>) => [name, state]));
  for (const name of ["sqlite", "worker", "quic", "websocket", "seal", "group", "localhost", "restart"]) {
    assert.equal(states[name], "ok", name);
  }
  const restart = checks.find(({ name }: { name: string }) => name === "restart");
  assert.match(restart.message, new RegExp(`^${home.program} `), "by QIGHT_SELF, not by the loader");
});

row("a first start leaves its standard input to the command", async () => {
  const first = { QIGHT_CACHE_DIR: home.path("first") };
  await home.run(["key", "gen", "--no-passphrase"]);
  const id = (await home.run(["key", "show", "--json"])).stdout;
  const signed = await home.run(["key", "sign", "-"], { stdin: "disk full", env: first });
  assert.equal(signed.code, 0, signed.stderr);
  const verified = await home.run(["key", "verify", JSON.parse(id).id, signed.stdout.trim(), "-"], {
    stdin: "disk full",
  });
  assert.equal(verified.code, 0, verified.stderr);
});

row("exit codes and odd arguments come through", async () => {
  const odd = '"a b" $x `y` *';
  const { code, stderr } = await home.run(["completion", odd]);
  assert.equal(code, 64);
  assert.ok(stderr.includes(odd), stderr);
  assert.equal((await home.run(["no-such-command"])).code, 64);
});

row(
  "SIGTERM drains a relay: the process that was started is the relay itself; its metrics name the commit",
  async () => {
    const http = freePort();
    const child = new Deno.Command(home.program, {
      args: ["relay", "--listen", "127.0.0.1:0", "--data-dir", home.path("relay")],
      clearEnv: true,
      env: home.environment({ QIGHT_CFG__HTTP__LISTEN: `127.0.0.1:${http}` }),
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const lines = linesOf(child.stdout);
    assert.match((await lines.next()).value!, /^address {2}qight:/);
    assert.equal((await Deno.readTextFile(`/proc/${child.pid}/comm`)).trim(), "qight", "what ps says");
    const metrics = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text();
    assert.match(metrics, /^qight_build_info\{version="[^"]+",commit="0{40}"\} 1$/m);
    child.kill("SIGTERM");
    assert.deepEqual((await child.status).code, 0);
    await lines.return(undefined);
  },
);

row("its id is the hash of its checksums, which fit every file in the cache", async () => {
  const [version] = (await home.cached()).filter((name) => name.length === 64);
  const folder = home.path(".cache", "qight", version);
  const sums = await Deno.readFile(`${folder}/SHA256SUMS`);
  assert.equal(await treeId([{ path: "SHA256SUMS", mode: 0o644, bytes: sums }]), version);
  assert.ok(new TextDecoder().decode(built!.bytes.subarray(0, HEADER_BYTES)).includes(`id=${version} `));
  const { code, text } = await say("sh", "-c", `cd "${folder}" && sha256sum -c --quiet SHA256SUMS`);
  assert.deepEqual({ code, text }, { code: 0, text: "" });
});

row("uninstall wants to be told, lists, and leaves nothing", async () => {
  const untold = await home.run(["uninstall"]);
  assert.equal(untold.code, 64);
  const listed = await home.run(["uninstall", "--dry-run", "--data", "--json"]);
  const { dry_run, folders } = JSON.parse(listed.stdout);
  assert.equal(dry_run, true);
  assert.deepEqual(folders.map(({ what }: { what: string }) => what), ["cache", "data"]);
  await Deno.stat(home.path(".local/share/qight/identity.key"));
  const gone = await home.run(["uninstall", "-y", "--data"]);
  assert.equal(gone.code, 0, gone.stderr);
  assert.match(gone.stderr, new RegExp(`rm ${home.program}`));
  await assert.rejects(Deno.stat(home.path(".cache/qight")), Deno.errors.NotFound);
  await assert.rejects(Deno.stat(home.path(".local/share/qight")), Deno.errors.NotFound);
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
