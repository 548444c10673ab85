/**
 * The Debian package: the tree, a launcher, manual pages, completions and a systemd unit that is not enabled.
 * @module
 */
import { createHash } from "node:crypto";
import { arOf, ascii } from "./ar.ts";
import { launcherText, TREE_FOLDER } from "./launcher.ts";
import { packagingFile } from "./packaging_files.ts";
import { serviceToml } from "./service_toml.ts";
import type { Target } from "./inputs.ts";
import { byBytes, gzip9, type TreeFile, ustar } from "./tar.ts";

/** Debian's names of the CPUs. */
export const DEB_ARCHITECTURES: Readonly<Record<Target, string>> = { "linux-x64": "amd64", "linux-arm64": "arm64" };

/** The one file of the package that an administrator edits. */
const SERVICE_TOML = "etc/qight/service.toml";

/** Where the shells look, by the completion's place in the tree. */
const SHELLS: Readonly<Record<string, string>> = {
  "completions/bash/qight": "bash-completion/completions/qight",
  "completions/zsh/_qight": "zsh/vendor-completions/_qight",
  "completions/fish/qight.fish": "fish/vendor_completions.d/qight.fish",
};

/** A .deb of this tree; equal input gives equal bytes. */
export async function makeDeb(target: Target, tree: readonly TreeFile[], version: string): Promise<Uint8Array> {
  const files = await installedFiles(tree);
  const control: TreeFile[] = [
    { path: "control", mode: 0o644, bytes: ascii(controlText(target, files, version)) },
    { path: "conffiles", mode: 0o644, bytes: ascii(`/${SERVICE_TOML}\n`) },
    { path: "md5sums", mode: 0o644, bytes: ascii(md5sums(files)) },
  ];
  for (const name of ["postinst", "prerm", "postrm"]) {
    control.push({ path: name, mode: 0o755, bytes: await packagingFile(`deb/${name}`) });
  }
  return arOf([
    { name: "debian-binary", bytes: ascii("2.0\n") },
    { name: "control.tar.gz", bytes: gzip9(ustar(control, { prefix: "./", folders: true })) },
    { name: "data.tar.gz", bytes: gzip9(ustar(files, { prefix: "./", folders: true })) },
  ]);
}

async function installedFiles(tree: readonly TreeFile[]): Promise<TreeFile[]> {
  const toml = serviceToml([
    "The service (qight.service) reads this file and no other. Read it again: systemctl reload qight",
  ]);
  return [
    ...tree.map((file) => ({ ...file, path: `${TREE_FOLDER.slice(1)}/${file.path}` })),
    ...tree.flatMap((file) => shownElsewhere(file)),
    { path: "usr/bin/qight", mode: 0o755, bytes: ascii(launcherText()) },
    { path: "usr/lib/systemd/system/qight.service", mode: 0o644, bytes: await packagingFile("systemd/qight.service") },
    { path: SERVICE_TOML, mode: 0o644, bytes: ascii(toml) },
    { path: "usr/share/doc/qight/copyright", mode: 0o644, bytes: await copyright() },
  ];
}

async function copyright(): Promise<Uint8Array> {
  const licence = new TextDecoder().decode(await packagingFile("../LICENSE"));
  return ascii(`${licence}\nLicences of what is carried along: ${TREE_FOLDER}/LICENSES\n`);
}

/** Manual pages and completions once more, where man(1) and shells look for them. */
function shownElsewhere({ path, mode, bytes }: TreeFile): TreeFile[] {
  const place = path.startsWith("man/") ? path : SHELLS[path];
  return place === undefined ? [] : [{ path: `usr/share/${place}`, mode, bytes }];
}

function controlText(target: Target, files: readonly TreeFile[], version: string): string {
  // Policy 5.6.20: kibibytes, each file rounded up.
  const kibibytes = files.reduce((sum, { bytes }) => sum + Math.ceil(bytes.length / 1024), 0);
  return `Package: qight
Version: ${version}
Architecture: ${DEB_ARCHITECTURES[target]}
Maintainer: The qight project
Installed-Size: ${kibibytes}
Section: net
Priority: optional
Description: signed, end-to-end encrypted messages through a relay that you run
 One program: relay, send, fetch, chat. It carries its own runtime and libraries
 and needs no other package. The relay's service is installed and not enabled:
 systemctl enable --now qight
`;
}

function md5sums(files: readonly TreeFile[]): string {
  return files.filter(({ path }) => path !== SERVICE_TOML).sort((a, b) => byBytes(a.path, b.path))
    .map(({ path, bytes }) => `${createHash("md5").update(bytes).digest("hex")}  ${path}\n`).join("");
}
