/** What lies beside the files of a release: checksums that fit, a signature, notes; and the archive. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { archiveFiles, releaseArchive } from "../../scripts/build/archive.ts";
import { VERSION } from "../../cli/version.ts";
import { build } from "../../scripts/build_binaries.ts";
import { World } from "../commands/harness.ts";
import { buildOnce, treeOf } from "./built.ts";
import { madeUpTree } from "./made_up_tree.ts";
import { isInstalled, say } from "./programs.ts";

const { built, missing } = await buildOnce();
const onLinux = Deno.build.os === "linux" && Deno.build.arch === "x86_64";
const ignore = built === null || !onLinux;
const name = `qight-${VERSION}-linux-x64`;
const reason = missing !== null ? ` (ignored: ${missing})` : onLinux ? "" : " (ignored: this is not linux x64)";

Deno.test({
  name: `expectation 40: checksums.txt fits the files, and key verify takes its signature and no other${reason}`,
  ignore,
  async fn() {
    await using world = new World();
    const publisher = world.person("publisher");
    const id = await publisher.ok(["key", "gen", "--no-passphrase"]);
    const out = join(world.folder, "dist");
    const signWith = join(publisher.home, "data/qight/identity.key");
    await build({ targets: ["linux-x64"], kinds: [], out, signWith }, () => {});
    const names = [...Deno.readDirSync(out)].map(({ name }) => name).sort();
    assert.deepEqual(names, [
      "RELEASE_NOTES.md",
      "checksums.txt",
      "checksums.txt.sig",
      `qight-${VERSION}-linux-x64.cdx.json`,
    ]);
    const checked = await say("sh", "-c", `cd "${out}" && sha256sum -c --quiet checksums.txt`);
    assert.deepEqual(checked, { code: 0, text: "" });
    const list = join(out, "checksums.txt");
    const verify = () => publisher.run(["key", "verify", id, `@${list}.sig`, list]);
    assert.equal((await verify()).code, 0);
    await Deno.writeTextFile(list, (await Deno.readTextFile(list)).replace(/^./, "x"));
    assert.equal((await verify()).code, 65, "a changed list");
    assert.match(await Deno.readTextFile(join(out, "RELEASE_NOTES.md")), new RegExp(`^# qight ${VERSION}\n`));
  },
});

Deno.test({
  name: `expectation 40: the archive holds program, manual, completions and licence, and runs through a link${reason}`,
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "qight-archive-" });
    try {
      const files = archiveFiles(name, await treeOf("linux-x64"));
      for (const { path, mode, bytes } of files) {
        await Deno.mkdir(join(folder, path, ".."), { recursive: true });
        await Deno.writeFile(join(folder, path), bytes, { mode });
      }
      const inside = files.map(({ path }) => path.slice(`${name}/`.length));
      for (const path of ["qight", "LICENSE", "man/man1/qight.1", "completions/bash/qight", "lib/qight/SHA256SUMS"]) {
        assert.ok(inside.includes(path), path);
      }
      const link = join(folder, "bin-qight");
      await Deno.symlink(`${name}/qight`, link);
      const environment = ["env", "-i", "PATH=/bin:/usr/bin", `HOME=${folder}`];
      const ran = await say(environment[0], ...environment.slice(1), link, "selftest");
      assert.equal(ran.code, 0, ran.text);
      assert.match(ran.text, /restart +\S+\/qight starts again/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

const xz = isInstalled("xz");
Deno.test({
  name: `the archive is a tar.xz that xz takes, the same bytes each time${xz ? "" : " (ignored: xz is not here)"}`,
  ignore: !xz,
  async fn() {
    const licence = { path: "LICENSES/qight.txt", mode: 0o644, bytes: new Uint8Array([1]) } as const;
    const tree = [...madeUpTree().filter(({ path }) => path !== licence.path), licence];
    const [once, again] = [
      await releaseArchive("linux-x64", "1.2.3", tree),
      await releaseArchive("linux-x64", "1.2.3", tree),
    ];
    assert.deepEqual(once, again);
    const path = await Deno.makeTempFile({ suffix: ".tar.xz" });
    await Deno.writeFile(path, once);
    const { code, text } = await say("sh", "-c", `xz -dc "${path}" | tar -tf -`);
    await Deno.remove(path);
    assert.equal(code, 0, text);
    assert.match(text, /^qight-1\.2\.3-linux-x64\/\n/);
  },
});
