/** The package of OpenWrt up to 24.10: its form as opkg reads it, and what its scripts do. @module */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { makeIpks } from "../../scripts/build/ipk.ts";
import { openwrtFiles, removeFolders } from "../../scripts/build/openwrt.ts";
import { madeUpTree } from "./made_up_tree.ts";
import { isInstalled, say } from "./programs.ts";
import { type Member, readTar } from "./tar_reader.ts";
import { missingFor, missingNamespaces, ThrowawayRoot } from "./throwaway_root.ts";

const make = async (tree = madeUpTree(), architectures = ["x86_64"]) => (await makeIpks(architectures, tree, "1.2.3"));
const unzipped = (bytes: Uint8Array) => readTar(new Uint8Array(gunzipSync(bytes)));
const text = (members: readonly Member[], path: string) =>
  new TextDecoder().decode(members.find((member) => member.path === path)!.bytes);
const missing = missingFor(["busybox"], { root: true }) || missingNamespaces();

Deno.test("expectation 38: an .ipk is three members, control and data begin with ./ and name folders before files", async () => {
  const outer = unzipped((await make()).get("x86_64")!);
  assert.deepEqual(outer.map(({ path }) => path).sort(), ["./control.tar.gz", "./data.tar.gz", "./debian-binary"]);
  assert.equal(text(outer, "./debian-binary"), "2.0\n");
  for (const name of ["./control.tar.gz", "./data.tar.gz"]) {
    const seen = new Set<string>();
    for (const { path, owner, mode, type } of unzipped(outer.find((member) => member.path === name)!.bytes)) {
      assert.ok(path.startsWith("./") && !path.includes(".."), path);
      assert.equal(owner, 0);
      if (type === "folder") assert.equal(mode, 0o755);
      const above = path.replace(/[^/]+\/?$/, "");
      assert.ok(path === "./" || seen.has(above), `${above} comes before ${path}`);
      seen.add(path);
    }
  }
});

Deno.test("an .ipk's control names package, version, architecture and the relay's user; the configuration is a conffile", async () => {
  for (const [architecture, bytes] of await make(madeUpTree(), ["aarch64_cortex-a53", "aarch64_generic"])) {
    const control = unzipped(unzipped(bytes).find(({ path }) => path === "./control.tar.gz")!.bytes);
    const fields = Object.fromEntries(text(control, "./control").trim().split("\n").map((line) => line.split(": ")));
    assert.deepEqual(
      [fields.Package, fields.Version, fields.Architecture, fields.Depends, fields["Require-User"]],
      ["qight", "1.2.3-r1", architecture, "libc", "qight:qight"],
    );
    assert.equal(text(control, "./conffiles"), "/etc/config/qight\n");
    assert.deepEqual(control.filter(({ mode }) => mode === 0o755).map(({ path }) => path), [
      ...["./", "./postinst", "./postrm", "./prerm"],
    ]);
  }
});

Deno.test("two builds of an .ipk are byte-equal, whatever the order of the files", async () => {
  const [one, other] = [await make(), await make(madeUpTree().reverse())];
  assert.equal(Buffer.compare(one.get("x86_64")!, other.get("x86_64")!), 0);
});

Deno.test({
  name:
    `an .ipk's scripts leave users and services to OpenWrt's functions, and do nothing where these are absent${missing}`,
  ignore: missing !== "",
  async fn() {
    await using root = await new ThrowawayRoot().withShell();
    const control = unzipped(
      unzipped((await make()).get("x86_64")!).find(({ path }) => path === "./control.tar.gz")!.bytes,
    );
    for (const name of ["postinst", "prerm"]) {
      await Deno.writeTextFile(root.at(name), text(control, `./${name}`), { mode: 0o755 });
    }
    const run = async (...words: string[]) => {
      const { code, stdout } = await root.command(words, { env: { PATH: "/bin" } }).output();
      return [code, new TextDecoder().decode(stdout)];
    };
    assert.deepEqual(await run("/postinst", "configure"), [0, ""]);
    await Deno.mkdir(root.at("lib"));
    await Deno.copyFile(new URL("openwrt_functions.sh", import.meta.url), root.at("lib/functions.sh"));
    assert.deepEqual(await run("/postinst", "configure"), [0, "default_postinst\t/postinst\tconfigure\n"]);
    assert.deepEqual(await run("/prerm", "remove"), [0, "default_prerm\t/prerm\tremove\n"]);
  },
});

Deno.test({
  name: `after an .ipk's removal no folder of it is left, and what is the user's stays${missing}`,
  ignore: missing !== "",
  async fn() {
    await using root = await new ThrowawayRoot().withShell();
    const files = await openwrtFiles(madeUpTree());
    for (const folder of ["usr/lib", "etc/config", "etc/qight/relay", "usr/share", "var/run/qight/deno"]) {
      await Deno.mkdir(root.at(folder), { recursive: true });
    }
    await Deno.writeTextFile(root.at("etc/qight/relay/root.key"), "mine");
    await Deno.writeTextFile(root.at("postrm"), `#!/bin/sh\n${removeFolders(files)}`, { mode: 0o755 });
    // opkg removes the files and leaves the folders.
    for (const { path } of files) await Deno.mkdir(root.at(path.replace(/\/[^/]+$/, "")), { recursive: true });
    assert.ok(root.list().includes("usr/lib/qight/LICENSES/"));
    assert.equal((await root.command(["/postrm"], { env: { PATH: "/bin" } }).output()).code, 0);
    const left = root.list().filter((path) => path.includes("qight"));
    assert.deepEqual(left, ["etc/qight/", "etc/qight/relay/", "etc/qight/relay/root.key"]);
  },
});

const opkg = isInstalled("opkg");
Deno.test({
  name: `opkg installs the .ipk into an empty root, and removes it${opkg ? "" : " (ignored: no opkg here)"}`,
  ignore: !opkg,
  async fn() {
    await using root = new ThrowawayRoot();
    await Deno.writeFile(root.at("qight.ipk"), (await make()).get("x86_64")!);
    await Deno.writeTextFile(root.at("opkg.conf"), "dest root /\narch x86_64 10\narch all 1\n");
    const run = (...words: string[]) =>
      say("opkg", "-f", root.at("opkg.conf"), "-o", root.path, "--force-depends", ...words);
    assert.equal((await run("install", root.at("qight.ipk"))).code, 0);
    assert.ok((await Deno.stat(root.at("usr/lib/qight/deno"))).isFile);
    assert.equal((await run("remove", "qight")).code, 0);
    await assert.rejects(Deno.stat(root.at("usr/bin/qight")), Deno.errors.NotFound);
  },
});
