/** The rules of the OCI image specification 1.1 (image-layout, index, manifest, config, layer), as assertions over a layout. @module */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { type Member, readTar } from "./tar_reader.ts";

/** What a config says to whoever runs the image. */
export interface ImageConfig {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Env: readonly string[];
  readonly WorkingDir: string;
  readonly StopSignal: string;
  readonly ExposedPorts: Readonly<Record<string, unknown>>;
  readonly Volumes: Readonly<Record<string, unknown>>;
  readonly Labels: Readonly<Record<string, string>>;
  /** Docker's, not the specification's. Nanoseconds. */
  readonly Healthcheck: { readonly Test: readonly string[]; readonly Interval: number; readonly Retries: number };
}

/** An image that kept the rules. */
export interface CheckedImage {
  readonly architecture: string;
  readonly config: ImageConfig;
  readonly files: readonly Member[];
}

type Json = Record<string, unknown>;
const MEDIA = "application/vnd.oci.image.";

/** Takes a layout in a tar archive apart; every rule that is broken is an assertion. */
export function checkImage(archive: Uint8Array): CheckedImage {
  const layout = new Map(
    readTar(archive).filter(({ type }) => type === "file").map(({ path, bytes }) => [path, bytes]),
  );
  const json = (bytes: Uint8Array): Json => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  const file = (path: string): Uint8Array => {
    const bytes = layout.get(path);
    assert.ok(bytes, `${path} is missing`);
    return bytes;
  };
  assert.deepEqual(json(file("oci-layout")), { imageLayoutVersion: "1.0.0" });
  const used = new Set<string>();
  const blob = (descriptor: Json, mediaType: string): Uint8Array => {
    assert.equal(descriptor.mediaType, mediaType);
    const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(descriptor.digest as string) ?? [];
    const bytes = file(`blobs/sha256/${hex}`);
    assert.equal(descriptor.size, bytes.length);
    assert.equal(createHash("sha256").update(bytes).digest("hex"), hex, "a blob's name is its digest");
    used.add(`blobs/sha256/${hex}`);
    return bytes;
  };

  const index = json(file("index.json"));
  assert.deepEqual([index.schemaVersion, index.mediaType], [2, `${MEDIA}index.v1+json`]);
  const manifests = index.manifests as Json[];
  assert.equal(manifests.length, 1);
  const manifest = json(blob(manifests[0], `${MEDIA}manifest.v1+json`));
  assert.deepEqual([manifest.schemaVersion, manifest.mediaType], [2, `${MEDIA}manifest.v1+json`]);
  const config = json(blob(manifest.config as Json, `${MEDIA}config.v1+json`));
  const layers = (manifest.layers as Json[]).map((layer) => {
    return new Uint8Array(gunzipSync(blob(layer, `${MEDIA}layer.v1.tar+gzip`)));
  });
  for (const path of layout.keys()) {
    assert.ok(
      ["oci-layout", "index.json", "manifest.json"].includes(path) || used.has(path),
      `${path} belongs to nothing`,
    );
  }

  assert.match(config.created as string, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(config.os, "linux");
  assert.ok(["amd64", "arm64"].includes(config.architecture as string));
  assert.deepEqual(manifests[0].platform, { architecture: config.architecture, os: "linux" });
  const rootfs = config.rootfs as Json;
  assert.equal(rootfs.type, "layers");
  const diffs = layers.map((tar) => `sha256:${createHash("sha256").update(tar).digest("hex")}`);
  assert.deepEqual(rootfs.diff_ids, diffs, "diff ids are of the layers before compression");
  assert.equal((config.history as Json[]).filter(({ empty_layer }) => !empty_layer).length, layers.length);

  const run = config.config as ImageConfig;
  for (const pair of run.Env) assert.match(pair, /^[A-Z_][A-Z0-9_]*=/);
  for (const port of Object.keys(run.ExposedPorts)) assert.match(port, /^\d+\/(tcp|udp)$/);
  for (const [name, value] of Object.entries({ ...run.ExposedPorts, ...run.Volumes })) {
    assert.deepEqual(value, {}, name);
  }
  for (const [name, value] of Object.entries(run.Labels)) {
    assert.match(name, /^[a-z0-9]+([.-][a-z0-9]+)*$/);
    assert.equal(typeof value, "string");
  }
  assert.deepEqual(manifest.annotations, run.Labels);

  const files = layers.flatMap(readTar);
  for (const { path } of files) {
    assert.ok(!path.startsWith("/") && !path.split("/").includes("..") && !/(^|\/)\.wh\./.test(path), path);
  }
  checkDockerArchive(JSON.parse(new TextDecoder().decode(file("manifest.json"))), used);
  return { architecture: config.architecture as string, config: run, files };
}

/** What engines before the layout read; it must name the same blobs. */
function checkDockerArchive(manifest: { Config: string; Layers: string[]; RepoTags: string[] }[], used: Set<string>) {
  assert.equal(manifest.length, 1);
  for (const path of [manifest[0].Config, ...manifest[0].Layers]) assert.ok(used.has(path), path);
  for (const tag of manifest[0].RepoTags) assert.match(tag, /^qight:[\w.-]+$/);
}
