/** What the start of a command loads: nothing that only other commands need. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { World } from "./harness.ts";

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly { readonly code?: { readonly specifier: string }; readonly isDynamic?: boolean }[];
}

const root = new URL("../../", import.meta.url);

/** Modules and packages that these files load before anything runs, types and dynamic imports left out. */
function loadedBy(...files: string[]): string[] {
  const modules = new Map<string, Module>();
  for (const file of files) {
    const { stdout } = new Deno.Command(Deno.execPath(), {
      args: ["info", "--node-modules-dir=manual", "--json", file],
      cwd: fileURLToPath(root),
      stderr: "null",
    }).outputSync();
    const found: { modules: Module[] } = JSON.parse(new TextDecoder().decode(stdout));
    for (const module of found.modules) modules.set(module.specifier, module);
  }
  const loaded = new Set<string>();
  const load = (specifier: string) => {
    if (loaded.has(specifier)) return;
    loaded.add(specifier);
    for (const { code, isDynamic } of modules.get(specifier)?.dependencies ?? []) {
      if (code && !isDynamic) load(code.specifier);
    }
  };
  for (const file of files) load(new URL(file, root).href);
  return [...loaded];
}

Deno.test("send loads these packages and no others: no argon2, no second X-Wing, no TOML, no certificates", () => {
  const loaded = loadedBy("cli/main.ts", "cli/run.ts", "cli/commands/send.ts");
  assert.ok(loaded.some((module) => module.endsWith("/client/send.ts")), "the graph was understood");
  const names = loaded.flatMap((module) => /\/node_modules\/((?:@[^/]+\/)?[^./][^/]*)\//.exec(module)?.[1] ?? []);
  assert.deepEqual([...new Set(names)].sort(), [
    "@bufbuild/protobuf",
    "@commander-js/extra-typings",
    "@noble/ciphers",
    "@noble/hashes",
    "@scure/base",
    "better-sqlite3-multiple-ciphers",
  ]);
});

Deno.test("send loads none of the relay but what reads durations, names and folders", () => {
  const loaded = loadedBy("cli/main.ts", "cli/run.ts", "cli/commands/send.ts");
  const relay = loaded.filter((module) => module.startsWith(new URL("relay/", root).href));
  const others = relay.map((module) => module.slice(root.href.length)).filter((path) =>
    !path.startsWith("relay/config/")
  );
  assert.deepEqual(others, ["relay/runtime.ts"]);
});

/** What of the folder was loaded, relative to it. */
function inFolder(folder: string, loaded: readonly string[]): string[] {
  const start = new URL(folder, root).href;
  return loaded.filter((module) => module.startsWith(start)).map((module) => module.slice(start.length)).sort();
}

Deno.test("sealed mail loads nothing that seals, opens or changes conversations", () => {
  const loaded = loadedBy("cli/main.ts", "cli/run.ts", "cli/commands/send.ts");
  assert.deepEqual(inFolder("crypto/mls/", loaded), ["suite.ts"]);
  // Rows and names; KeyPackages for others to begin a conversation with; what a device that moved leaves behind.
  const light = ["former.ts", "key_packages.ts", "member_row.ts", "standing.ts", "states.ts"];
  assert.deepEqual(inFolder("client/groups/", loaded), light);
});

Deno.test("a message by somebody with one device and no name loads nothing of accounts but where a session token or a cut-off recovery would be", () => {
  const loaded = loadedBy("cli/main.ts", "cli/run.ts", "cli/commands/send.ts");
  assert.deepEqual(inFolder("client/accounts/", loaded), ["begun.ts", "session_token.ts"]);
  const client = inFolder("client/", loaded);
  assert.ok(client.includes("participant.ts"), "the graph was understood");
  const late = [
    "account_calls.ts",
    "block.ts",
    "devices.ts",
    "history_move.ts",
    "link.ts",
    "opaque_thread.ts",
    "own_sync.ts",
  ];
  const folders = ["history_move/", "own_sync/"];
  const isLate = (module: string) => late.includes(module) || folders.some((folder) => module.startsWith(folder));
  assert.deepEqual(client.filter(isLate), []);
  const crypto = ["account_end", "account_name", "link", "opaque", "recovery", "recovery_code", "voucher"];
  assert.deepEqual(inFolder("crypto/", loaded).filter((module) => crypto.includes(module.slice(0, -3))), []);
});

Deno.test("a message into a conversation that stands loads nothing that begins, joins or changes one", () => {
  const late = ["client/group_messages.ts", "client/groups/view.ts", "crypto/mls/state.ts"];
  const loaded = loadedBy("cli/main.ts", "cli/run.ts", "cli/commands/send.ts", ...late);
  const others = ["apply", "commit", "create", "epoch_end", "group_info", "join", "join_externally", "key_package"];
  const mls = inFolder("crypto/mls/", loaded);
  assert.ok(mls.includes("message.ts"), "the graph was understood");
  assert.deepEqual(mls.filter((module) => [...others, "tree_check"].includes(module.slice(0, -3))), []);
  const groups = inFolder("client/groups/", loaded);
  const light = ["former.ts", "key_packages.ts", "member_row.ts", "roles.ts", "standing.ts", "states.ts", "view.ts"];
  assert.deepEqual(groups, light);
});

Deno.test("the first start from a clone fetches the packages by itself, once; version needs none", async () => {
  await using world = new World();
  const clone = `${world.folder}/clone`;
  Deno.mkdirSync(clone);
  for (const part of ["cli", "client", "crypto", "net", "proto", "relay", "deno.json", "deno.lock"]) {
    new Deno.Command("cp", { args: ["-r", fileURLToPath(new URL(part, root)), clone] }).outputSync();
  }
  const { env, home } = world.person("ada");
  const qight = async (...words: string[]) => {
    const args = ["run", "-qA", "--node-modules-dir=manual", `${clone}/cli/main.ts`, ...words];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env, clearEnv: true, cwd: home })
      .output();
    return { code, out: new TextDecoder().decode(stdout), said: new TextDecoder().decode(stderr) };
  };
  assert.equal((await qight("version")).said, "");
  const first = await qight("config", "path");
  assert.equal(first.code, 0, first.said);
  assert.equal(first.said, "qight: the first start from this clone; fetching its packages\n");
  assert.deepEqual(await qight("config", "path"), { ...first, said: "" });
});
