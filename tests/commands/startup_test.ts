/** What the start of a command loads: nothing that only other commands need. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

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
      args: ["info", "--json", file],
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
  const packages = loaded.filter((module) => module.startsWith("npm:"));
  const names = packages.map((name) => /^npm:\/?((?:@[^/]+\/)?[^@/]+)/.exec(name)![1]);
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
