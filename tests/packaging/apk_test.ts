/** The package of OpenWrt 25.12: what apk-tools would read in it, and that a signature holds nothing but what it signs. @module */
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { makeApks, readApkKey } from "../../scripts/build/apk.ts";
import { AdbWriter } from "../../scripts/build/adb.ts";
import { isSignedBy, latin, readApk, readRoot, type Value } from "./apk_reader.ts";
import { madeUpTree } from "./made_up_tree.ts";
import { isInstalled, say } from "./programs.ts";

const make = async (options: { tree?: ReturnType<typeof madeUpTree>; key?: string; arch?: string } = {}) => {
  const { tree = madeUpTree(), key, arch = "x86_64" } = options;
  return (await makeApks([arch], tree, "1.2.3", key === undefined ? undefined : readApkKey(key))).get(arch)!;
};
const newKey = (namedCurve = "prime256v1") =>
  generateKeyPairSync("ec", {
    namedCurve,
    privateKeyEncoding: { type: "sec1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
const PROGRAMS = ["usr/bin/qight", "etc/init.d/qight", "usr/lib/qight/deno", "usr/lib/qight/lib/qight"];
const array = (value: Value) => (value as readonly Value[] | null)?.slice(1) as (readonly Value[])[] ?? [];
const compareBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

Deno.test("expectation 38: an .apk names package, version and architecture, and every file with size and checksum", async () => {
  const { root, data } = readApk(await make());
  const [info, paths] = [root[1] as Value[], array(root[2])];
  assert.deepEqual([info[1], info[2], info[5], info[6]].map(latin), ["qight", "1.2.3-r1", "x86_64", "MIT"]);
  const folders = paths.map((folder) => latin(folder[1]));
  assert.deepEqual(folders, [...folders].sort(compareBytes));
  assert.equal(folders[0], "");
  const contents = new Map(data.map(({ folder, file, bytes }) => [`${folder}/${file}`, bytes]));
  const seen: string[] = [];
  let sum = 0;
  for (const [index, folder] of paths.entries()) {
    const names = array(folder[3] ?? null).map((file) => latin(file[1]));
    assert.deepEqual(names, [...names].sort(compareBytes), latin(folder[1]));
    for (const [at, file] of array(folder[3] ?? null).entries()) {
      const bytes = contents.get(`${index + 1}/${at + 1}`) ?? new Uint8Array();
      assert.equal(file[3] ?? 0, bytes.length);
      assert.deepEqual(Buffer.from(file[5] as Uint8Array), createHash("sha256").update(bytes).digest());
      assert.deepEqual([1, 2, 3].map((slot) => (file[2] as Value[])[slot]).slice(1).map((v) => latin(v)), [
        "root",
        "root",
      ]);
      seen.push(`/${[latin(folder[1]), latin(file[1])].filter(Boolean).join("/")}`);
      sum += bytes.length;
    }
  }
  assert.equal(info[12], sum);
  for (
    const path of [
      "/usr/bin/qight",
      "/etc/init.d/qight",
      "/etc/config/qight",
      "/usr/lib/qight/deno",
      "/usr/lib/qight/empty.txt",
    ]
  ) {
    assert.ok(seen.includes(path), path);
  }
  assert.equal(data.length, seen.length - 1, "an empty file has no contents");
  const list = textOf(paths, contents, "lib/apk/packages", "qight.list").trim().split("\n");
  assert.deepEqual(list, seen.filter((path) => path !== "/lib/apk/packages/qight.list").sort(compareBytes));
  const conffile = textOf(paths, contents, "etc/config", "qight");
  assert.equal(
    textOf(paths, contents, "lib/apk/packages", "qight.conffiles_static"),
    `/etc/config/qight ${createHash("sha256").update(conffile).digest("hex")}\n`,
  );
});

Deno.test("an .apk's unique id is the hash of its metadata with the id's place empty", async () => {
  const { metadata, root } = readApk(await make());
  const id = (root[1] as Value[])[3] as Uint8Array;
  const empty = metadata.slice();
  empty.fill(0, id.byteOffset - metadata.byteOffset, id.byteOffset - metadata.byteOffset + 20);
  assert.deepEqual(Buffer.from(id), createHash("sha256").update(empty).digest().subarray(0, 20));
});

Deno.test("an .apk has programs 0755, all else 0644, and scripts that a shell takes", async () => {
  const { root } = readApk(await make());
  for (const folder of array(root[2])) {
    assert.equal((folder[2] as Value[])[1], 0o755);
    for (const file of array(folder[3] ?? null)) {
      const path = `${latin(folder[1])}/${latin(file[1])}`;
      const program = PROGRAMS.includes(path);
      assert.equal((file[2] as Value[])[1], program ? 0o755 : 0o644, path);
    }
  }
  for (const script of (root[3] as Value[]).filter((value) => value !== null)) {
    const path = await Deno.makeTempFile();
    await Deno.writeTextFile(path, latin(script));
    assert.deepEqual(await say("sh", "-n", path), { code: 0, text: "" });
    await Deno.remove(path);
  }
});

Deno.test("a signed .apk verifies with its key and with no other, and not after a changed byte", async () => {
  const { privateKey, publicKey } = newKey();
  const signed = readApk(await make({ key: privateKey }));
  assert.equal(signed.signatures.length, 1);
  assert.ok(isSignedBy(publicKey, signed));
  assert.equal(readApkKey(privateKey).publicPem, publicKey);
  assert.ok(!isSignedBy(newKey().publicKey, signed));
  for (const at of [9, signed.metadata.length - 1]) {
    const metadata = signed.metadata.slice();
    metadata[at] ^= 1;
    assert.ok(!isSignedBy(publicKey, { ...signed, metadata }));
  }
  assert.deepEqual(readApk(await make()).signatures, []);
});

const wrongKeys: readonly (readonly [string, () => string])[] = [
  ["on another curve", () => newKey("secp384r1").privateKey],
  [
    "of RSA",
    () =>
      generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ type: "pkcs1", format: "pem" }) as string,
  ],
  ["that is none", () => "hello\n"],
];
for (const [what, key] of wrongKeys) {
  Deno.test(`a key ${what} is refused before anything is signed`, () => assert.throws(() => readApkKey(key())));
}

Deno.test("two builds of an .apk are byte-equal, whatever the order of the files; architectures differ in a word", async () => {
  const [one, other] = [await make(), await make({ tree: madeUpTree().reverse() })];
  assert.deepEqual(Buffer.compare(one, other), 0);
  const arm = readApk(await make({ arch: "aarch64_generic" }));
  assert.equal(latin((arm.root[1] as Value[])[5]), "aarch64_generic");
  assert.deepEqual(arm.data.map(({ bytes }) => bytes.length), readApk(one).data.map(({ bytes }) => bytes.length));
});

Deno.test("files of any size keep their bytes: around the borders of the format's lengths", async () => {
  const sizes = [1, 4, 5, 255, 256, 65_535, 65_536, 70_001];
  const more = Object.fromEntries(sizes.map((size) => [`sizes/${size}`, new Uint8Array(size).fill(size & 0xff)]));
  const { root, data } = readApk(await make({ tree: madeUpTree(more) }));
  const index = array(root[2]).findIndex((folder) => latin(folder[1]) === "usr/lib/qight/sizes");
  const found = data.filter(({ folder }) => folder === index + 1).map(({ bytes }) => bytes.length);
  assert.deepEqual(found.sort((a, b) => a - b), sizes);
});

Deno.test("values of any size are read back: around the borders of the format's lengths", () => {
  const adb = new AdbWriter();
  const blobs = [0, 1, 255, 256, 65_535, 65_536, 100_000].map((size) => new Uint8Array(size).fill(size % 251 + 1));
  const numbers = [0, 1, 2 ** 28 - 1, 2 ** 28, 2 ** 32 - 1];
  const root = adb.object({
    1: adb.array(blobs.map((bytes) => adb.blob(bytes))),
    2: adb.array(numbers.map((number) => adb.int(number))),
    4: adb.blob("last"),
    5: adb.blob(""),
  });
  const read = readRoot(adb.content(root));
  assert.equal(read.length, 5, "no null at the end");
  for (const [index, bytes] of blobs.entries()) {
    const back = (read[1] as Value[])[index + 1] as Uint8Array | null ?? new Uint8Array();
    assert.ok(Buffer.compare(back, bytes) === 0, `${bytes.length} bytes came back as ${back.length}`);
  }
  assert.deepEqual((read[2] as Value[]).slice(1), numbers);
  assert.deepEqual([read[3], latin(read[4])], [null, "last"]);
  assert.equal(adb.blob("last"), adb.blob(new TextEncoder().encode("last")), "equal data is stored once");
});

const apk = isInstalled("apk");
Deno.test({
  name: `apk-tools installs the signed package into an empty root, and removes it${
    apk ? "" : " (ignored: no apk here)"
  }`,
  ignore: !apk,
  async fn() {
    const root = await Deno.makeTempDir();
    const { privateKey, publicKey } = newKey();
    try {
      await Deno.mkdir(`${root}/etc/apk/keys`, { recursive: true });
      await Deno.writeTextFile(`${root}/etc/apk/keys/qight.pem`, publicKey);
      await Deno.writeFile(`${root}/qight.apk`, await make({ key: privateKey }));
      const apk = (...args: string[]) => say("apk", "--root", root, "--arch", "x86_64", "--no-network", ...args);
      assert.equal((await apk("--initdb", "add", "--no-scripts", `${root}/qight.apk`)).code, 0);
      assert.ok((await Deno.stat(`${root}/usr/lib/qight/deno`)).isFile);
      assert.equal((await apk("del", "--no-scripts", "qight")).code, 0);
      await assert.rejects(Deno.stat(`${root}/usr/lib/qight/deno`), Deno.errors.NotFound);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});

function contentOf(paths: (readonly Value[])[], contents: ReadonlyMap<string, Uint8Array>, folder: string) {
  const index = paths.findIndex((each) => latin(each[1]) === folder);
  return array(paths[index][3]).map((file, at) => [latin(file[1]), contents.get(`${index + 1}/${at + 1}`)!] as const);
}

function textOf(
  paths: (readonly Value[])[],
  contents: ReadonlyMap<string, Uint8Array>,
  folder: string,
  name: string,
): string {
  return new TextDecoder().decode(contentOf(paths, contents, folder).find(([each]) => each === name)![1]);
}
