/**
 * The arm64 build under qemu's user emulation: every part of selftest, and a message from one process to another.
 * @module
 */
import { join } from "node:path";
import { DENO_WORDS } from "../../../scripts/build/launcher.ts";
import { treeOf } from "../../packaging/built.ts";
import { isInstalled } from "../../packaging/programs.ts";
import { linesOf } from "../../commands/harness.ts";
import type { Finding, Row } from "../row.ts";

const QEMU = "qemu-aarch64-static";
/** A start takes 2.5 s on a quiet core. */
const PATIENT = ["--timeout", "5m"];

/** Night alone: a minute for a selftest. */
export const arm64Emulated: Row = {
  name: "arm64-emulated",
  property: "the arm64 build works: selftest, and relay, key gen, send, fetch between processes",
  rounds: { ci: 0, night: 1 },
  async run(): Promise<Finding> {
    const skipped = Deno.build.os !== "linux"
      ? "only on Linux"
      : isInstalled(QEMU)
      ? undefined
      : `${QEMU} is not here (Debian: qemu-user-static)`;
    if (skipped !== undefined) return { counts: {}, complaints: [], skipped };
    const folder = await Deno.makeTempDir({ prefix: "qight-arm64-" });
    try {
      return await conversation(folder, await layOut(folder));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};

/** The tree, and a program that starts it: the kernel here does not start programs of another CPU by itself. */
async function layOut(folder: string): Promise<string> {
  const tree = join(folder, "tree");
  for (const { path, mode, bytes } of await treeOf("linux-arm64")) {
    await Deno.mkdir(join(tree, path, ".."), { recursive: true });
    await Deno.writeFile(join(tree, path), bytes, { mode });
  }
  const program = join(folder, "qight");
  const words = [
    `${tree}/lib/qight`,
    "--library-path",
    `${tree}/lib`,
    `${tree}/deno`,
    ...DENO_WORDS,
    `${tree}/main.js`,
  ];
  const text = `#!/bin/sh\nexport QIGHT_SELF="$0"\nexec ${QEMU} ${words.join(" ")} "$@"\n`;
  await Deno.writeTextFile(program, text, { mode: 0o755 });
  return program;
}

async function conversation(folder: string, program: string): Promise<Finding> {
  const complaints: string[] = [];
  const start = (args: string[], env: Record<string, string> = {}) =>
    new Deno.Command(program, {
      args,
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        HOME: join(folder, "operator"),
        DENO_DIR: join(folder, "deno"),
        QIGHT_CFG__HTTP__LISTEN: "",
        ...env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  const said = async (args: string[], env?: Record<string, string>): Promise<string> => {
    const { code, stdout, stderr } = await start(args, env).output();
    const decoder = new TextDecoder();
    if (code !== 0) complaints.push(`${args.join(" ")} ended with ${code}: ${decoder.decode(stderr).trim()}`);
    return decoder.decode(stdout).trim();
  };
  const version = JSON.parse(await said(["version", "--json"]));
  if (!version.target.startsWith("aarch64")) complaints.push(`it is a build for ${version.target}`);
  const selftest = JSON.parse(await said(["selftest", "--json"]));
  const relay = start(["relay", "--listen", "127.0.0.1:0", "--data-dir", join(folder, "relay")]);
  const lines = linesOf(relay.stdout);
  const QIGHT_RELAY = /^address {2}(\S+)/.exec((await lines.next()).value ?? "")?.[1] ?? "";
  const as = (who: string) => ({ HOME: join(folder, who), QIGHT_RELAY });
  const bob = await said(["key", "gen", "--no-passphrase", ...PATIENT], as("bob"));
  await said(["key", "gen", "--no-passphrase", ...PATIENT], as("ada"));
  await said(["send", bob, "from one CPU to itself", ...PATIENT], as("ada"));
  const got = await said(["fetch", "--wait", "2m", ...PATIENT], as("bob"));
  if (!got.endsWith("from one CPU to itself")) complaints.push(`fetch printed ${JSON.stringify(got)}`);
  relay.kill("SIGTERM");
  const { code } = await relay.status;
  await lines.return(undefined);
  await relay.stderr.cancel();
  if (code !== 0) complaints.push(`the relay ended with ${code}`);
  return { counts: { parts: selftest.checks.length, messages: 1 }, complaints };
}
