/**
 * The container image as an OCI image layout, written without a container engine: one layer, no shell, no root.
 * @module
 */
import { createHash } from "node:crypto";
import { ascii } from "./ar.ts";
import { commandOf, TREE_FOLDER } from "./launcher.ts";
import { serviceToml } from "./service_toml.ts";
import type { Target } from "./inputs.ts";
import { gzip9, type TarPlace, type TreeFile, ustar } from "./tar.ts";

/** The image's user and group: a number, so that Kubernetes can see that it is not root. */
const IMAGE_USER = 65532;
/** The image's volume; everything it keeps is in there. */
const IMAGE_VOLUME = "/data";

/** Names of the CPUs in the image specification (those of Go). */
const ARCHITECTURES: Readonly<Record<Target, string>> = { "linux-x64": "amd64", "linux-arm64": "arm64" };
const EPOCH = "1970-01-01T00:00:00Z";
const SECOND = 1_000_000_000; // durations are nanoseconds

/** A tar archive of the layout, for `podman load`, `docker load` and `skopeo copy oci-archive:`. */
export function makeImage(target: Target, tree: readonly TreeFile[], version: string): Uint8Array {
  const files = new Map<string, Uint8Array>();
  const blob = (mediaType: string, bytes: Uint8Array) => {
    const digest = sha256(bytes);
    files.set(`blobs/sha256/${digest}`, bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const json = (value: unknown) => ascii(JSON.stringify(value));
  const layerTar = layerOf(tree);
  const layer = blob("application/vnd.oci.image.layer.v1.tar+gzip", gzip9(layerTar));
  const config = blob("application/vnd.oci.image.config.v1+json", json(configOf(target, version, sha256(layerTar))));
  const manifest = blob(
    "application/vnd.oci.image.manifest.v1+json",
    json({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config,
      layers: [layer],
      annotations: labels(version),
    }),
  );
  files.set("oci-layout", json({ imageLayoutVersion: "1.0.0" }));
  files.set(
    "index.json",
    json({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [{
        ...manifest,
        platform: { architecture: ARCHITECTURES[target], os: "linux" },
        annotations: { "org.opencontainers.image.ref.name": version, "io.containerd.image.name": `qight:${version}` },
      }],
    }),
  );
  // What `docker load` read before it knew the layout (Docker 25).
  const path = (digest: string) => `blobs/sha256/${digest.slice("sha256:".length)}`;
  const old = [{ Config: path(config.digest), RepoTags: [`qight:${version}`], Layers: [path(layer.digest)] }];
  files.set("manifest.json", json(old));
  const all = [...files].map(([path, bytes]): TreeFile => ({ path, mode: 0o644, bytes }));
  return ustar(all, { folders: true });
}

/** Files of the image: the tree, a user's name, a relay.toml for the world, and the folders that it may write. */
function layerOf(tree: readonly TreeFile[]): Uint8Array {
  const text = (path: string, contents: string): TreeFile => ({ path, mode: 0o644, bytes: ascii(contents) });
  const files: TreeFile[] = [
    ...tree.map((file) => ({ ...file, path: `${TREE_FOLDER.slice(1)}/${file.path}` })),
    text("etc/passwd", `qight:x:${IMAGE_USER}:${IMAGE_USER}:qight:${IMAGE_VOLUME}:/nonexistent\n`),
    text("etc/group", `qight:x:${IMAGE_USER}:\n`),
    text("etc/qight/relay.toml", serviceToml([`A relay.toml in ${IMAGE_VOLUME} is read instead of this one.`])),
  ];
  const places: TarPlace[] = [
    { path: `${IMAGE_VOLUME.slice(1)}/`, mode: 0o700, owner: IMAGE_USER },
    { path: "tmp/", mode: 0o1777, owner: 0 },
  ];
  return ustar(files, { folders: true, places });
}

function configOf(target: Target, version: string, layerDigest: string) {
  return {
    created: EPOCH,
    architecture: ARCHITECTURES[target],
    os: "linux",
    config: imageConfig(version),
    rootfs: { type: "layers", diff_ids: [`sha256:${layerDigest}`] },
    history: [{ created: EPOCH, created_by: "deno task build", comment: `qight ${version}` }],
  };
}

/** What a container runs as, from and with; packaging/docker/Dockerfile says the same in its own words. */
function imageConfig(version: string) {
  return {
    User: `${IMAGE_USER}:${IMAGE_USER}`,
    ExposedPorts: { "4433/tcp": {}, "4433/udp": {} },
    Env: [
      `HOME=${IMAGE_VOLUME}`,
      `QIGHT_CFG__DATA_DIR=${IMAGE_VOLUME}`,
      `DENO_DIR=${IMAGE_VOLUME}/.cache/deno`,
      "DENO_NO_UPDATE_CHECK=1",
    ],
    Entrypoint: commandOf(),
    Cmd: ["relay"],
    Volumes: { [IMAGE_VOLUME]: {} },
    WorkingDir: IMAGE_VOLUME,
    Labels: labels(version),
    StopSignal: "SIGTERM",
    // Not in the specification; Docker and Podman read it from here all the same.
    Healthcheck: {
      Test: ["CMD", ...commandOf(), "health"],
      Interval: 30 * SECOND,
      Timeout: 10 * SECOND,
      StartPeriod: 10 * SECOND,
      Retries: 3,
    },
  };
}

function labels(version: string): Record<string, string> {
  return {
    "org.opencontainers.image.title": "qight",
    "org.opencontainers.image.description": "Signed, end-to-end encrypted messages through a relay that you run",
    "org.opencontainers.image.version": version,
    "org.opencontainers.image.licenses": "MIT",
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
