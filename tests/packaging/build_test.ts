/** What a build promises about its bytes: the same from the same source, complete, and all of it accounted for. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { compile } from "../../scripts/build/compiled.ts";
import { forgetDebian } from "../../scripts/build/debian_input.ts";
import { Inputs, readInputs, sha256Hex } from "../../scripts/build/inputs.ts";
import { header, HEADER_BYTES, oneFile } from "../../scripts/build/onefile.ts";
import { releaseNotes } from "../../scripts/build/release_notes.ts";
import { billOfMaterials } from "../../scripts/build/sbom.ts";
import { lateTable, sourceFiles, unfollowable } from "../../scripts/build/stage.ts";
import { gzip9, type TreeFile, ustar } from "../../scripts/build/tar.ts";
import { makeBundle, openInputs, projectRoot } from "../../scripts/build/tree.ts";
import { readOrder } from "../../scripts/build_binaries.ts";
import { buildOnce, headerScript, TEST_COMMIT, treeOf } from "./built.ts";
import { elfSections } from "./elf_sections.ts";
import { readTar } from "./tar_reader.ts";

const { built, missing } = await buildOnce();
const ignore = built === null;
const reason = ignore ? ` (ignored: ${missing})` : "";

function row(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: name + reason, ignore, fn });
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

row("a copy of the source in another folder, with other times and modes, gives the same file", async () => {
  const folder = await Deno.makeTempDir({ prefix: "qight-copy-" });
  try {
    for (const part of ["deno.json", "deno.lock", "LICENSE", "packaging"]) await copy(part, folder, 0o600);
    for await (const path of sourceFiles(projectRoot)) await copy(path, folder, 0o640);
    await Deno.symlink(join(projectRoot, "node_modules"), join(folder, "node_modules"));
    const again = await oneFile(await treeOf("linux-x64", folder), await headerScript(folder));
    assert.equal(await sha256Hex(again), await sha256Hex(built!.bytes));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

row("the arm64 file: every program in it is for that CPU, its checksums fit, its header is filled in", async () => {
  const tree = await treeOf("linux-arm64");
  const programs = tree.filter(({ bytes }) => text(bytes.subarray(0, 4)) === "\x7fELF");
  assert.deepEqual(programs.map(({ path }) => path), [
    "better_sqlite3.node",
    "deno",
    ...["libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "libresolv.so.2", "librt.so.1"]
      .map((name) => `lib/${name}`),
    "lib/libstdc++.so.6",
    "lib/qight",
  ]);
  for (const { path, bytes } of programs) assert.equal(bytes[18], 0xb7, `${path} is for aarch64 (e_machine)`);
  const executable = tree.filter(({ mode }) => mode === 0o755).map(({ path }) => path);
  assert.deepEqual(executable, ["deno", "lib/qight"]);
  for (const line of text(file(tree, "SHA256SUMS").bytes).trimEnd().split("\n")) {
    assert.equal(await sha256Hex(file(tree, line.slice(66)).bytes), line.slice(0, 64));
  }
  const filled = header(await headerScript(), "0".repeat(64), 100_000);
  assert.equal(filled.length, HEADER_BYTES);
});

row("both CPUs run the same JavaScript, and what it needs is beside it", async () => {
  const inputs = await openInputs();
  const bundle = await makeBundle({ inputs, commit: TEST_COMMIT });
  const main = text(bundle.files.get("main.js")!);
  assert.ok(main.length > 0 && bundle.files.has("sqlite_worker.js") && bundle.files.has("opaque_worker.js"));
  for (const [name, bytes] of bundle.files) {
    const code = text(bytes);
    for (const [, late] of code.matchAll(/import\(String\("\.\/([^"]+)"\)\)/g)) {
      assert.ok(bundle.files.has(late), `${name} loads ${late}`);
    }
    assert.doesNotMatch(code, /\bimport\("\.\//, `${name} names a late module where Deno would read it at the start`);
    assert.doesNotMatch(code, /\/work\/|\/home\/|\/tmp\/qight-bundle/, `${name} holds a path of the build machine`);
  }
});

row("expectation 40: what is in the file is in its bill of materials, with hash and licence", async () => {
  const inputs = await openInputs();
  const bundle = await makeBundle({ inputs, commit: TEST_COMMIT });
  const pinned = inputs.of("linux-x64");
  const bill = JSON.parse(await billOfMaterials(projectRoot, "1.2.3", bundle.packages, pinned));
  assert.deepEqual([bill.bomFormat, bill.specVersion], ["CycloneDX", "1.6"]);
  const names = bill.components.map(({ name }: { name: string }) => name);
  for (const { path } of pinned.filter(({ path }) => !path.startsWith("LICENSES/"))) {
    assert.ok(names.includes(path), path);
  }
  for (const wanted of ["commander", "@noble/hashes", "ws", "@peculiar/x509", "tslib"]) {
    assert.ok(names.includes(wanted), wanted);
  }
  for (const unwanted of ["fast-check", "@bufbuild/buf", "typescript"]) assert.ok(!names.includes(unwanted), unwanted);
  for (const { name, hashes, licenses } of bill.components) {
    assert.match(hashes[0].content, /^([0-9a-f]{64}|[0-9a-f]{128})$/, name);
    assert.ok(licenses[0].expression.length > 0, name);
  }
  const refs = new Set(bill.components.map((each: Record<string, string>) => each["bom-ref"]));
  for (const { dependsOn } of bill.dependencies) for (const ref of dependsOn) assert.ok(refs.has(ref), ref);
});

row(
  "deno compile holds the bundle and the addon (the program in it is a stand-in: no runtime without a network)",
  async () => {
    const inputs = await openInputs();
    const bundle = await makeBundle({ inputs, commit: TEST_COMMIT });
    const addon = await inputs.bytes(inputs.of("linux-x64").find(({ path }) => path === "better_sqlite3.node")!);
    const { bytes, said } = await compile("x86_64-unknown-linux-gnu", bundle, addon, { DENORT_BIN: "/bin/true" });
    const least = addon.length + [...bundle.files.values()].reduce((sum, file) => sum + file.length, 0);
    const size = elfSections(bytes).get(".note.sui") ?? 0;
    assert.ok(size > least, `the section .note.sui has ${size} bytes; bundle and addon have ${least}`);
    assert.match(said, /Embedded Files/);
  },
);

Deno.test("an input that is nowhere is named, with its hash and what to do", async () => {
  const cache = await Deno.makeTempDir();
  try {
    const inputs = new Inputs([{
      target: "linux-x64",
      path: "lib/libc.so.6",
      debian: "no-such-package",
      arch: "amd64",
      version: "1.0",
      file: "lib/libc.so.6",
      licence: "MIT",
      sha256: "a".repeat(64),
    }], { cache, given: cache });
    await assert.rejects(inputs.bytes(inputs.of("linux-x64")[0]), (error: Error) => {
      assert.match(
        error.message,
        /^An input is missing: lib\/libc\.so\.6 of linux-x64 .*no-such-package 1\.0 for amd64/,
      );
      assert.match(error.message, /put a file with SHA-256 a{64} into a folder and name that with --inputs/);
      return true;
    });
  } finally {
    await forgetDebian();
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("an input from a folder counts by its bytes, whatever its name; another one's bytes do not", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const bytes = new TextEncoder().encode("the pinned bytes");
    await Deno.writeFile(join(folder, "download(1)"), bytes);
    const [input] = await readInputs(projectRoot);
    const pinned = { ...input, path: "lib/x", npm: undefined, sha256: await sha256Hex(bytes) };
    const inputs = new Inputs([pinned], { cache: join(folder, "none"), given: folder });
    assert.deepEqual(await inputs.bytes(pinned), bytes);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const traps: readonly (readonly [string, string, string])[] = [
  ["a computed import", "client/a.ts", "await import(name);"],
  ["a template in an import", "cli/a.ts", "await import(`./${name}.ts`);"],
  ["a thread of its own", "client/a.ts", 'new Worker(new URL("./b.ts", here));'],
  ["a file beside the source", "relay/a.ts", "Deno.readTextFileSync(new URL('a.txt', import.meta.url));"],
];
for (const [what, path, code] of traps) {
  Deno.test(`a build refuses ${what}: the bundle would not hold it`, () => {
    assert.equal(unfollowable(path, code).length, 1);
    assert.deepEqual(unfollowable(path, `// ${code}`), []);
  });
}

Deno.test("the table of late modules has every command and every literal path", () => {
  const table = lateTable(
    new Map([
      ["cli/commands/send.ts", ""],
      ["cli/repl/late.ts", 'import { lateModule } from "../late_module.ts";\nreturn lateModule("repl/invites.ts");'],
      [
        "cli/a.ts",
        'import { lateModule } from "./late_module.ts";\nawait lateModule<typeof import("./b/c.ts")>(\n  "b/c.ts",\n);',
      ],
      ["cli/other.ts", 'noLateModule("x.ts")'],
    ]),
  );
  const paths = [...table.matchAll(/^ {2}"([^"]+)"/gm)].map(([, path]) => path);
  assert.deepEqual(paths, ["b/c.ts", "commands/send.ts", "repl/invites.ts"]);
});

Deno.test("only one file asks for the path of Deno: a packed qight would start the loader of glibc", async () => {
  for await (const path of sourceFiles(projectRoot)) {
    if (path === "cli/self_command.ts") continue;
    const code = await Deno.readTextFile(join(projectRoot, path));
    assert.doesNotMatch(code, /Deno\.execPath|process\.execPath|child_process.*\bfork\b/, path);
  }
});

Deno.test("archives: sorted, dated 0, owned by root; long names are cut at a slash, longer ones refused", () => {
  const long = `${"d".repeat(99)}/${"e".repeat(90)}`;
  const files: TreeFile[] = [long, "b", "a/c"].map((path) => ({ path, mode: 0o644, bytes: new Uint8Array([1]) }));
  const archive = ustar(files, { prefix: "./", folders: true });
  assert.deepEqual(readTar(archive).map(({ path }) => path).slice(0, 4), ["./", "./a/", "./a/c", "./b"]);
  assert.equal(archive.length % 10_240, 0);
  assert.throws(() => ustar([{ path: "x".repeat(101), mode: 0o644, bytes: new Uint8Array() }]), /does not fit/);
  assert.deepEqual([...gzip9(archive).subarray(0, 10)], [31, 139, 8, 0, 0, 0, 0, 0, 2, 3]);
});

Deno.test("release notes are the version's own section, else what is unreleased", () => {
  const page = "# Changes\n\n## Unreleased\n\n- New.\n\n## 1.0.0\n\nFirst.\n";
  assert.equal(releaseNotes(page, "1.0.0"), "# qight 1.0.0\n\nFirst.\n");
  assert.equal(releaseNotes(page, "1.1.0"), "# qight 1.1.0\n\n- New.\n");
  assert.throws(() => releaseNotes("# Changes\n", "1.0.0"), /neither/);
});

Deno.test("a mistyped target is refused with the usage", () => {
  assert.throws(() => readOrder(["--target", "linux-mips"]), /--target linux-mips: one of linux-x64, linux-arm64/);
});

function file(tree: readonly TreeFile[], path: string): TreeFile {
  const found = tree.find((each) => each.path === path);
  assert.ok(found, `the tree has ${path}`);
  return found;
}

async function copy(path: string, folder: string, mode: number): Promise<void> {
  const [from, to] = [join(projectRoot, path), join(folder, path)];
  if ((await Deno.stat(from)).isDirectory) {
    for await (const { name } of Deno.readDir(from)) await copy(join(path, name), folder, mode);
    return;
  }
  await Deno.mkdir(join(to, ".."), { recursive: true });
  await Deno.copyFile(from, to);
  await Deno.chmod(to, mode);
  await Deno.utime(to, 1_000_000, 1_000_000);
}
