/** The container image: the rules of its form, what it says about how to run it, and that the Dockerfile says the same. @module */
import assert from "node:assert/strict";
import { commandOf } from "../../scripts/build/launcher.ts";
import { makeImage } from "../../scripts/build/oci.ts";
import { checkImage } from "./image_rules.ts";
import { madeUpTree } from "./made_up_tree.ts";
import { isInstalled, say } from "./programs.ts";

const image = (tree = madeUpTree()) => makeImage("linux-x64", tree, "1.2.3");

Deno.test("the image keeps the rules of the image specification, for both CPUs", () => {
  assert.equal(checkImage(image()).architecture, "amd64");
  assert.equal(checkImage(makeImage("linux-arm64", madeUpTree(), "1.2.3")).architecture, "arm64");
});

Deno.test("expectation 39: the image runs as a number that is not root, keeps its data in /data, and starts the program itself", () => {
  const { config, files } = checkImage(image());
  assert.equal(config.User, "65532:65532");
  assert.deepEqual(config.Volumes, { "/data": {} });
  assert.deepEqual(config.Entrypoint, commandOf("/usr/lib/qight"));
  assert.deepEqual(config.Cmd, ["relay"]);
  assert.deepEqual(Object.keys(config.ExposedPorts).sort(), ["4433/tcp", "4433/udp"]);
  assert.equal(config.Labels["org.opencontainers.image.version"], "1.2.3");
  assert.equal(config.Labels["org.opencontainers.image.licenses"], "MIT");
  assert.equal(config.StopSignal, "SIGTERM");
  const owned = files.filter(({ owner }) => owner !== 0).map(({ path, owner, mode }) => [path, owner, mode]);
  assert.deepEqual(owned, [["data/", 65532, 0o700]]);
  const writable = files.filter(({ mode }) => (mode & 0o022) !== 0).map(({ path, mode }) => [path, mode]);
  assert.deepEqual(writable, [["tmp/", 0o1777]]);
  for (const path of Object.keys(config.Volumes)) assert.ok(config.Env.includes(`QIGHT_CFG__DATA_DIR=${path}`));
  assert.ok(!files.some(({ path }) => /(^|\/)(sh|bash|busybox)$/.test(path)), "no shell");
});

Deno.test("expectation 33: the image's health check is `qight health`, as words and not through a shell", () => {
  const { Test, Interval, Retries } = checkImage(image()).config.Healthcheck;
  assert.deepEqual(Test, ["CMD", ...commandOf(), "health"]);
  assert.ok(Interval >= 1e9 && Retries >= 1);
});

Deno.test("two builds of an image are byte-equal, whatever the order of the files", () => {
  assert.equal(Buffer.compare(image(), image(madeUpTree().reverse())), 0);
});

const broken: readonly (readonly [string, (archive: Uint8Array) => void])[] = [
  ["a changed byte in a blob", (archive) => archive[archive.length - 20_000] ^= 1],
  ["another digest in the index", (archive) => replace(archive, '"digest":"sha256:', '"digest":"sha257:')],
  ["another version of the layout", (archive) => replace(archive, '"1.0.0"', '"9.0.0"')],
];
for (const [what, damage] of broken) {
  Deno.test(`the checker of images finds ${what}`, () => {
    const archive = image().slice();
    damage(archive);
    assert.throws(() => checkImage(archive));
  });
}

Deno.test("the Dockerfile says what the image says", async () => {
  const text = await Deno.readTextFile(new URL("../../packaging/docker/Dockerfile", import.meta.url));
  const lines = text.replaceAll(/\\\n\s*/g, "").split("\n");
  const last = (word: string) => lines.findLast((line) => line.startsWith(`${word} `))!.slice(word.length + 1).trim();
  const { config } = checkImage(image());
  assert.deepEqual(JSON.parse(last("ENTRYPOINT")), config.Entrypoint);
  assert.deepEqual(JSON.parse(last("CMD")), config.Cmd);
  assert.equal(last("USER"), config.User);
  assert.equal(last("WORKDIR"), config.WorkingDir);
  assert.equal(last("STOPSIGNAL"), config.StopSignal);
  assert.deepEqual(last("VOLUME").split(" "), Object.keys(config.Volumes));
  assert.deepEqual(last("EXPOSE").split(" ").sort(), Object.keys(config.ExposedPorts).sort());
  assert.deepEqual(last("ENV").split(" "), config.Env);
  const [, words] = /CMD (\[.*\])$/.exec(last("HEALTHCHECK"))!;
  assert.deepEqual(["CMD", ...JSON.parse(words)], config.Healthcheck.Test);
  const labels = Object.fromEntries(
    [...last("LABEL").matchAll(/(\S+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  const { "org.opencontainers.image.version": _, ...rest } = config.Labels;
  assert.deepEqual(labels, rest);
  assert.ok(lines.includes("FROM scratch"));
});

const skopeo = isInstalled("skopeo");
Deno.test({
  name: `skopeo reads the image${skopeo ? "" : " (ignored: no skopeo here)"}`,
  ignore: !skopeo,
  async fn() {
    const path = await Deno.makeTempFile({ suffix: ".tar" });
    try {
      await Deno.writeFile(path, image());
      const { code, text } = await say("skopeo", "inspect", `oci-archive:${path}`);
      assert.equal(code, 0, text);
      assert.equal(JSON.parse(text).Architecture, "amd64");
    } finally {
      await Deno.remove(path);
    }
  },
});

function replace(archive: Uint8Array, from: string, to: string): void {
  const at = Buffer.from(archive.buffer).indexOf(from);
  assert.ok(at >= 0);
  archive.set(new TextEncoder().encode(to), at);
}
