/**
 * What the two package formats of OpenWrt have in common: files, architectures, and the folders to clear away.
 * @module
 */
import { defaults } from "../../relay/config/schema.ts";
import { ascii } from "./ar.ts";
import { launcherText, TREE_FOLDER } from "./launcher.ts";
import { packagingFile } from "./packaging_files.ts";
import type { Target } from "./inputs.ts";
import type { TreeFile } from "./tar.ts";

/** OpenWrt's names of the CPUs that run a target's code; the contents of their packages are the same. */
export const OPENWRT_ARCHITECTURES: Readonly<Record<Target, readonly string[]>> = {
  "linux-x64": ["x86_64"],
  "linux-arm64": ["aarch64_generic", "aarch64_cortex-a53", "aarch64_cortex-a72", "aarch64_cortex-a76"],
};

/** User and group that the relay runs as, made at installation (`Require-User`, `.rusers`). */
export const OPENWRT_USER = "qight:qight";

/** The configuration, kept over upgrades and backed up by sysupgrade. */
export const OPENWRT_CONFFILE = "etc/config/qight";

/** OpenWrt's form of a version: release 1 of the upstream version. */
export function openwrtVersion(version: string): string {
  return `${version}-r1`;
}

/** Files of a package of either format. */
export async function openwrtFiles(tree: readonly TreeFile[]): Promise<TreeFile[]> {
  return [
    ...tree.map((file) => ({ ...file, path: `${TREE_FOLDER.slice(1)}/${file.path}` })),
    { path: "usr/bin/qight", mode: 0o755, bytes: ascii(launcherText()) },
    { path: "etc/init.d/qight", mode: 0o755, bytes: ascii(await initScript()) },
    { path: OPENWRT_CONFFILE, mode: 0o644, bytes: await packagingFile("openwrt/qight.config") },
    { path: "lib/upgrade/keep.d/qight", mode: 0o644, bytes: await packagingFile("openwrt/qight.keep") },
    { path: "usr/share/qight/firewall", mode: 0o644, bytes: await packagingFile("openwrt/qight.firewall") },
  ];
}

/** The init script with every key of relay.toml; top-level ones are in UCI's section `relay`. */
export async function initScript(): Promise<string> {
  const keys = Object.keys(defaults).map((key) => key.includes(".") ? key : `relay.${key}`);
  const text = new TextDecoder().decode(await packagingFile("openwrt/qight.init"));
  return text.replace("@KEYS@", keys.join(" "));
}

/** Every folder above a path, the outermost first; none for a file at the root. */
export function foldersAbove(path: string): string[] {
  const steps = path.split("/").slice(0, -1);
  return steps.map((_, index) => steps.slice(0, index + 1).join("/"));
}

/** A script that removes the folders which the package manager leaves empty, the innermost first. */
export function removeFolders(files: readonly TreeFile[]): string {
  const own = new Set(files.flatMap(({ path }) => foldersAbove(path)).filter((folder) => /\/qight(\/|$)/.test(folder)));
  const folders = [...own].sort().reverse().map((folder) => `"$root/${folder}"`).join(" ");
  return `root=\${IPKG_INSTROOT:-}
for folder in ${folders}; do
	[ -d "$folder" ] && rmdir "$folder" 2>/dev/null
done
[ -n "$root" ] || rm -rf /var/run/qight
exit 0
`;
}
