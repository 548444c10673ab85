/**
 * The package of OpenWrt up to 24.10: a gzip'd tar of three members, read by opkg.
 * @module
 */
import { ascii } from "./ar.ts";
import { OPENWRT_CONFFILE, OPENWRT_USER, openwrtFiles, openwrtVersion, removeFolders } from "./openwrt.ts";
import { gzip9, type TreeFile, ustar } from "./tar.ts";

/** Inner names begin with `./`, a folder stands before its files: opkg counts on both. */
const inside = { prefix: "./", folders: true };

/** Makes packages of one tree for any number of architecture names; the contents are compressed once. */
export async function makeIpks(
  architectures: readonly string[],
  tree: readonly TreeFile[],
  version: string,
): Promise<Map<string, Uint8Array>> {
  const files = await openwrtFiles(tree);
  const data = gzip9(ustar(files, inside));
  const packages = new Map<string, Uint8Array>();
  for (const architecture of architectures) {
    const control = gzip9(ustar(controlFiles(architecture, files, version), inside));
    const member = (path: string, bytes: Uint8Array): TreeFile => ({ path, mode: 0o644, bytes });
    const members = [
      member("debian-binary", ascii("2.0\n")),
      member("data.tar.gz", data),
      member("control.tar.gz", control),
    ];
    packages.set(architecture, gzip9(ustar(members, { prefix: "./" })));
  }
  return packages;
}

function controlFiles(architecture: string, files: readonly TreeFile[], version: string): TreeFile[] {
  const size = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const control = `Package: qight
Version: ${openwrtVersion(version)}
Depends: libc
Section: net
Architecture: ${architecture}
Installed-Size: ${size}
Require-User: ${OPENWRT_USER}
License: MIT
Description: Signed, end-to-end encrypted messages through a relay that you run.
`;
  const script = (path: string, text: string): TreeFile => ({ path, mode: 0o755, bytes: ascii(text) });
  return [
    { path: "control", mode: 0o644, bytes: ascii(control) },
    { path: "conffiles", mode: 0o644, bytes: ascii(`/${OPENWRT_CONFFILE}\n`) },
    script("postinst", byDefault("default_postinst")),
    script("prerm", byDefault("default_prerm")),
    script("postrm", `#!/bin/sh\n${removeFolders(files)}`),
  ];
}

/** As OpenWrt's own build does: users, init script and uci defaults are the work of its functions. */
function byDefault(name: string): string {
  return `#!/bin/sh
[ "\${IPKG_NO_SCRIPT}" = "1" ] && exit 0
[ -s "\${IPKG_INSTROOT}/lib/functions.sh" ] || exit 0
. "\${IPKG_INSTROOT}/lib/functions.sh"
${name} $0 $@
`;
}
