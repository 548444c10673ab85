/** The self-extracting file in a root that holds busybox and nothing else: no libc, no /etc, no certificates. @module */
import assert from "node:assert/strict";
import { linesOf } from "../commands/harness.ts";
import { buildOnce } from "./built.ts";
import { say } from "./programs.ts";
import { missingFor, missingNamespaces, ThrowawayRoot } from "./throwaway_root.ts";

const { built, missing } = await buildOnce();
const onLinux = Deno.build.os === "linux" && Deno.build.arch === "x86_64";
const needs = missing !== null
  ? ` (ignored: ${missing})`
  : onLinux
  ? missingFor(["busybox", "nsenter"], { root: true }) || missingNamespaces()
  : " (ignored: this is not linux x64)";

/** Default applets of OpenWrt's busybox that the header wants, beside those of every root of these tests. */
const APPLETS = ["dd", "find", "gzip", "mv", "sha256sum", "sync", "tar", "head", "cut"];

/** A root with the file in it, unpacked by nobody yet. */
async function rootWithFile(): Promise<ThrowawayRoot> {
  const root = await new ThrowawayRoot().withShell();
  for (const applet of APPLETS) await Deno.symlink("busybox", root.at(`bin/${applet}`));
  for (const folder of ["tmp", "ada", "bob", "relay"]) await Deno.mkdir(root.at(folder));
  await Deno.copyFile(built!.program, root.at("qight"));
  return root;
}

const env = { PATH: "/bin", HOME: "/relay", QIGHT_CACHE_DIR: "/tmp" };

function row(name: string, fn: (root: ThrowawayRoot) => Promise<void>): void {
  Deno.test({
    name: name + needs,
    ignore: needs !== "",
    async fn() {
      await using root = await rootWithFile();
      await fn(root);
    },
  });
}

row(
  "in an empty root with busybox alone every part of selftest works but the name localhost, which is said",
  async (root) => {
    const { code, stdout, stderr } = await root.command(["/qight", "selftest", "--json"], { env }).output();
    const said = new TextDecoder().decode(stdout);
    assert.equal(code, 0, said + new TextDecoder().decode(stderr));
    const states = Object.fromEntries(
      JSON.parse(said).checks.map(({ name, state }: Record<string, string>) => [name, state]),
    );
    const parts = ["sqlite", "worker", "quic", "websocket", "seal", "group", "restart"];
    assert.deepEqual(parts.map((name) => states[name]), parts.map(() => "ok"), said);
    assert.equal(states.localhost, "warn", "there is no /etc/hosts");
  },
);

row("in an empty root with busybox alone the first screen works: relay, key gen, send, fetch", async (root) => {
  const relay = root.command(["/qight", "relay", "--listen", "127.0.0.1:4433", "--data-dir", "/relay"], {
    env: { ...env, QIGHT_CFG__HTTP__LISTEN: "" },
  }).spawn();
  const lines = linesOf(relay.stdout);
  try {
    const address = /^address {2}(\S+)/.exec((await lines.next()).value ?? "")?.[1];
    assert.ok(address, "the relay prints its address");
    const as = async (who: string, args: string[], input = "") => {
      const words = ["sh", "-c", 'printf %s "$0" | /qight "$@"', input, ...args];
      const { code, stdout, stderr } = await root.command(words, {
        env: { ...env, HOME: `/${who}`, QIGHT_RELAY: address },
        beside: relay.pid,
      }).output();
      assert.equal(code, 0, `${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
      return new TextDecoder().decode(stdout).trim();
    };
    const bob = await as("bob", ["key", "gen", "--no-passphrase"]);
    assert.match(bob, /^qid1/);
    await as("ada", ["key", "gen", "--no-passphrase"]);
    await as("ada", ["send", bob], "disk full on web-3");
    assert.match(await as("bob", ["fetch", "--wait", "30s"]), /disk full on web-3$/);
  } finally {
    relay.kill("SIGTERM");
    const { code } = await relay.status;
    await lines.return(undefined);
    await relay.stderr.cancel();
    assert.equal(code, 0, "the relay drains");
  }
});

row("without /proc the header says so and ends with 78", async (root) => {
  const { code, text } = await say("chroot", root.path, "/qight", "--version");
  assert.deepEqual({ code, text }, { code: 78, text: "qight: /proc is not mounted\n" });
});
