/**
 * All packages and the image of one target, one after the other, so that only one is in memory.
 * @module
 */
import { type ApkKey, makeApks } from "./apk.ts";
import { DEB_ARCHITECTURES, makeDeb } from "./deb.ts";
import type { Target } from "./inputs.ts";
import { makeIpks } from "./ipk.ts";
import { makeImage } from "./oci.ts";
import { OPENWRT_ARCHITECTURES, openwrtVersion } from "./openwrt.ts";
import type { TreeFile } from "./tar.ts";

/** A file of the release. */
export interface Artefact {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** .deb, .ipk, .apk and image; the .apk is signed when there is a key. */
export async function* makePackages(
  target: Target,
  tree: readonly TreeFile[],
  options: { readonly version: string; readonly apkKey?: ApkKey },
): AsyncGenerator<Artefact> {
  const { version, apkKey } = options;
  const names = OPENWRT_ARCHITECTURES[target];
  yield { name: `qight_${version}_${DEB_ARCHITECTURES[target]}.deb`, bytes: await makeDeb(target, tree, version) };
  for (const [name, bytes] of await makeIpks(names, tree, version)) {
    yield { name: `qight_${openwrtVersion(version)}_${name}.ipk`, bytes };
  }
  for (const [name, bytes] of await makeApks(names, tree, version, apkKey)) {
    // apk takes a file by any name; the architecture keeps them apart.
    yield { name: `qight-${openwrtVersion(version)}_${name}.apk`, bytes };
  }
  yield { name: `qight-${version}-${target}.oci.tar`, bytes: makeImage(target, tree, version) };
}
