/** The Debian package: its form, and that dpkg installs, upgrades, removes and purges it without a trace. @module */
import assert from "node:assert/strict";
import { arOf } from "../../scripts/build/ar.ts";
import { makeDeb } from "../../scripts/build/deb.ts";
import { DENO_WORDS } from "../../scripts/build/launcher.ts";
import { madeUpTree } from "./made_up_tree.ts";
import { say } from "./programs.ts";
import { missingFor, missingNamespaces, ThrowawayRoot } from "./throwaway_root.ts";

const DPKG = missingFor(["dpkg-deb"]);
const INSTALL = missingFor(["dpkg", "dpkg-deb", "busybox"], { root: true }) || missingNamespaces();
const make = (version = "1.2.3") => makeDeb("linux-x64", madeUpTree(), version);

Deno.test("two builds of a .deb are byte-equal, whatever the order of the files", async () => {
  const reversed = await makeDeb("linux-x64", madeUpTree().reverse(), "1.2.3");
  assert.equal(Buffer.compare(await make(), reversed), 0);
});

Deno.test("the archive around a package pads odd members and refuses names that have no room", () => {
  const archive = arOf([{ name: "a", bytes: new TextEncoder().encode("x") }, {
    name: "b",
    bytes: Uint8Array.of(2, 3),
  }]);
  const text = new TextDecoder("latin1").decode(archive);
  assert.equal(archive.length, 8 + 60 + 2 + 60 + 2);
  assert.match(text, /^!<arch>\na {15}0 {11}0 {5}0 {5}100644 {2}1 {9}`\nx\nb/);
  for (const name of ["sixteen-letters.", "a b", ""]) assert.throws(() => arOf([{ name, bytes: new Uint8Array() }]));
});

Deno.test({
  name: `dpkg reads the .deb: its fields, its files all root's, the one conffile${DPKG}`,
  ignore: DPKG !== "",
  async fn() {
    const path = await Deno.makeTempFile({ suffix: ".deb" });
    try {
      await Deno.writeFile(path, await make());
      const fields = (await say("dpkg-deb", "-f", path)).text;
      for (const line of ["Package: qight", "Version: 1.2.3", "Architecture: amd64"]) assert.ok(fields.includes(line));
      assert.doesNotMatch(fields, /^(Pre-)?Depends:/m);
      const files = (await say("dpkg-deb", "-c", path)).text.trim().split("\n");
      for (const line of files) assert.match(line, /^[d-]rw[x-]r-[x-]r-[x-] root\/root +\d+ 1970-01-01/);
      const paths = files.map((line) => line.split(" ").at(-1));
      for (
        const wanted of [
          "./usr/bin/qight",
          "./usr/lib/qight/deno",
          "./usr/lib/qight/LICENSES/MIT.txt",
          "./usr/lib/systemd/system/qight.service",
          "./usr/share/man/man1/qight-relay.1",
          "./usr/share/bash-completion/completions/qight",
          "./usr/share/zsh/vendor-completions/_qight",
          "./usr/share/fish/vendor_completions.d/qight.fish",
          "./usr/share/doc/qight/copyright",
          "./etc/qight/service.toml",
        ]
      ) assert.ok(paths.includes(wanted), wanted);
      assert.equal((await say("dpkg-deb", "-I", path, "conffiles")).text, "/etc/qight/service.toml\n");
    } finally {
      await Deno.remove(path);
    }
  },
});

Deno.test({
  name:
    `expectation 40: dpkg installs, upgrades and removes the .deb; an edited configuration lives until the purge, which leaves nothing${INSTALL}`,
  ignore: INSTALL !== "",
  async fn() {
    await using root = await new ThrowawayRoot().withShell();
    for (const folder of ["var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "home", "usr/share"]) {
      await Deno.mkdir(root.at(folder), { recursive: true });
    }
    await Deno.writeTextFile(root.at("var/lib/dpkg/status"), "");
    await Deno.writeTextFile(root.at("etc/keep"), ""); // else dpkg takes /etc away with its last file
    await Deno.writeTextFile(root.at("usr/share/keep"), "");
    const dpkg = async (...args: string[]) => {
      const { code, text } = await say("dpkg", `--root=${root.path}`, ...args);
      assert.equal(code, 0, text);
    };
    const ours = () => root.list().filter((path) => !/^(var\/lib\/dpkg|dev|proc)\//.test(path));
    const before = ours();
    const install = async (version: string) => {
      await Deno.writeFile(root.at("qight.deb"), await make(version));
      await dpkg("-i", root.at("qight.deb"));
      await Deno.remove(root.at("qight.deb"));
    };

    await install("1.2.3");
    assert.equal((await say("dpkg", `--root=${root.path}`, "--verify", "qight")).text, "");
    const run = await root.command(["/usr/bin/qight", "send", "a b", "", "*"], {
      env: { HOME: "/home", LD_PRELOAD: "x" },
    })
      .output();
    const said = new TextDecoder().decode(run.stdout).split("\n");
    assert.deepEqual(said, [
      ...["--library-path", "/usr/lib/qight/lib", "/usr/lib/qight/deno", ...DENO_WORDS, "/usr/lib/qight/main.js"],
      ...[
        "send",
        "a b",
        "",
        "*",
        "DENO_DIR=/home/.cache/qight/deno",
        "QIGHT_SELF=/usr/bin/qight",
        "LD_PRELOAD=unset",
        "",
      ],
    ]);
    const nowhere = await root.command(["/usr/bin/qight", "version"]).output();
    assert.match(new TextDecoder().decode(nowhere.stdout), /^DENO_DIR=\/nonexistent\/qight\/deno$/m);

    const toml = root.at("etc/qight/service.toml");
    assert.match(await Deno.readTextFile(toml), /^listen = \["\[::\]:4433"\]/m);
    assert.match(await Deno.readTextFile(toml), /^mode = "token"/m);
    await Deno.writeTextFile(toml, "# mine\n");
    await install("1.2.4");
    assert.equal(await Deno.readTextFile(toml), "# mine\n");
    // What a service with DynamicUser= leaves behind.
    await Deno.mkdir(root.at("var/lib/private/qight"), { recursive: true });
    await Deno.writeTextFile(root.at("var/lib/private/qight/root.key"), "secret");
    await Deno.symlink("private/qight", root.at("var/lib/qight"));
    await Deno.mkdir(root.at("var/cache/private/qight"), { recursive: true });
    await dpkg("-r", "qight");
    assert.ok(root.list().includes("var/lib/private/qight/root.key"));
    assert.ok(!root.list().includes("usr/bin/qight"));
    await dpkg("-P", "qight");
    const rest = ours().filter((path) => !before.includes(path));
    assert.deepEqual(rest, ["var/cache/", "var/cache/private/", "var/lib/private/"]);
  },
});

Deno.test("the image's and the packages' command is the one that the one file's header ends with", async () => {
  const header = await Deno.readTextFile(new URL("../../packaging/onefile/header.sh", import.meta.url));
  const last = header.trimEnd().split("\n").at(-1)!;
  assert.equal(
    last,
    `exec "$dir/lib/qight" --library-path "$dir/lib" "$dir/deno" ${DENO_WORDS.join(" ")} "$dir/main.js" "$@"`,
  );
});
