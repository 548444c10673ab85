/**
 * The package of OpenWrt 25.12: apk-tools 3, signed with ECDSA when a key is given.
 * @module
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { constants, deflateRawSync } from "node:zlib";
import { ADB_NULL, type AdbValue, AdbWriter, placeOfBlob, u32 } from "./adb.ts";
import { concatAll } from "../../crypto/concat.ts";
import { ascii } from "./ar.ts";
import {
  foldersAbove,
  OPENWRT_CONFFILE,
  OPENWRT_USER,
  openwrtFiles,
  openwrtVersion,
  removeFolders,
} from "./openwrt.ts";
import { byBytes, type TreeFile } from "./tar.ts";

/** A private key that packages are signed with, and its public half as it lies in /etc/apk/keys. */
export interface ApkKey {
  readonly privateKey: KeyObject;
  readonly publicPem: string;
}

const SCHEMA = "pckg";
const METADATA = 0, SIGNATURE = 1, DATA = 2;
/** APK_DIGEST_SHA512 (apk-tools, src/apk_crypto.h). */
const SHA512 = 4;

/** Reads a P-256 private key (PEM); throws when it is another kind of key. */
export function readApkKey(pem: string): ApkKey {
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyType !== "ec" || privateKey.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw new TypeError("The key for .apk packages must be ECDSA on P-256 (openssl ecparam -name prime256v1 -genkey)");
  }
  const publicPem = createPublicKey(privateKey).export({ type: "spki", format: "pem" }) as string;
  return { privateKey, publicPem };
}

/** Packages of one tree for any number of architecture names; the contents are compressed once. */
export async function makeApks(
  architectures: readonly string[],
  tree: readonly TreeFile[],
  version: string,
  key?: ApkKey,
): Promise<Map<string, Uint8Array>> {
  const files = withLists(await openwrtFiles(tree));
  const folders = foldersOf(files);
  const contents = deflateRawSync(concatAll(dataBlocks(folders)), { level: 9 });
  return new Map(architectures.map((architecture) => {
    const metadata = metadataOf(folders, files, architecture, openwrtVersion(version));
    const blocks = [ascii(`ADB.${SCHEMA}`), block(METADATA, metadata)];
    if (key) blocks.push(block(SIGNATURE, signatureOf(metadata, key)));
    // A flush ends at a byte's edge and forgets what was before, so the contents can follow as they are (RFC 1951).
    const head = deflateRawSync(concatAll(blocks), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
    return [architecture, concatAll([ascii("ADBd"), head, contents])];
  }));
}

interface Folder {
  readonly name: string;
  readonly files: readonly TreeFile[];
}

/** Lists that OpenWrt's scripts look into, for example for init scripts and users to make. */
function withLists(files: readonly TreeFile[]): TreeFile[] {
  const list = (ending: string, text: string): TreeFile => ({
    path: `lib/apk/packages/qight.${ending}`,
    mode: 0o644,
    bytes: ascii(text),
  });
  const conffile = files.find(({ path }) => path === OPENWRT_CONFFILE)?.bytes ?? ascii("");
  const lists = [
    list("conffiles", `/${OPENWRT_CONFFILE}\n`),
    list("conffiles_static", `/${OPENWRT_CONFFILE} ${sha256(conffile).toHex()}\n`),
    list("rusers", `${OPENWRT_USER}\n`),
  ];
  const paths = [...files, ...lists].map(({ path }) => `/${path}`).sort(byBytes);
  return [...files, ...lists, list("list", paths.join("\n") + "\n")];
}

/** Every folder with the files directly in it, sorted by bytes; "" is the root. */
function foldersOf(files: readonly TreeFile[]): Folder[] {
  const names = new Set(["", ...files.flatMap(({ path }) => foldersAbove(path))]);
  return [...names].sort(byBytes).map((name) => ({
    name,
    files: files.filter(({ path }) => path.split("/").slice(0, -1).join("/") === name)
      .sort((one, other) => byBytes(one.path, other.path)),
  }));
}

function metadataOf(
  folders: readonly Folder[],
  files: readonly TreeFile[],
  architecture: string,
  version: string,
): Uint8Array {
  const adb = new AdbWriter();
  const owned = (mode: number) => adb.object({ 1: adb.int(mode), 2: adb.blob("root"), 3: adb.blob("root") });
  const uniqueId = adb.blob(new Uint8Array(20));
  const info = adb.object({
    1: adb.blob("qight"),
    2: adb.blob(version),
    3: uniqueId,
    4: adb.blob("Signed, end-to-end encrypted messages through a relay that you run"),
    5: adb.blob(architecture),
    6: adb.blob("MIT"),
    7: adb.blob("qight"),
    12: adb.int(files.reduce((sum, { bytes }) => sum + bytes.length, 0)),
  });
  const paths = adb.array(
    folders.map(({ name, files }) =>
      adb.object({ 1: adb.blob(name), 2: owned(0o755), 3: adb.array(files.map((file) => fileEntry(adb, file, owned))) })
    ),
  );
  const root = adb.object({ 1: info, 2: paths, 3: scriptsOf(adb, files) });
  const content = adb.content(root);
  // The id names the content; it is zero while it is being hashed.
  content.set(sha256(content).subarray(0, 20), placeOfBlob(uniqueId));
  return content;
}

function fileEntry(adb: AdbWriter, { path, mode, bytes }: TreeFile, owned: (mode: number) => AdbValue): AdbValue {
  const name = path.split("/").at(-1) ?? "";
  return adb.object({
    1: adb.blob(name),
    2: owned(mode),
    3: bytes.length === 0 ? ADB_NULL : adb.int(bytes.length),
    4: ADB_NULL, // 1970
    5: adb.blob(sha256(bytes)),
  });
}

/** As OpenWrt's own build writes them. */
function scriptsOf(adb: AdbWriter, files: readonly TreeFile[]): AdbValue {
  const script = (body: string) => adb.blob(`#!/bin/sh\n${body}`);
  const functions = `[ -s "\${IPKG_INSTROOT}/lib/functions.sh" ] || exit 0
. "\${IPKG_INSTROOT}/lib/functions.sh"
export root="\${IPKG_INSTROOT}"
export pkgname="qight"
`;
  return adb.object({
    3: script(`[ "\${IPKG_NO_SCRIPT}" = "1" ] && exit 0\n${functions}add_group_and_user\ndefault_postinst\n`),
    4: script(`${functions}default_prerm\n`),
    5: script(removeFolders(files)),
    7: script(`export PKG_UPGRADE=1\n${functions}add_group_and_user\ndefault_postinst\n`),
  });
}

/** Contents in the order of the metadata, each with the numbers of its folder and file, from 1; none for empty files. */
function dataBlocks(folders: readonly Folder[]): Uint8Array[] {
  return folders.flatMap(({ files }, folder) =>
    files.flatMap(({ bytes }, file) =>
      bytes.length === 0 ? [] : [block(DATA, concatAll([u32(folder + 1), u32(file + 1), bytes]))]
    )
  );
}

function block(type: number, content: Uint8Array): Uint8Array {
  const length = 4 + content.length;
  if (length >= 2 ** 30) throw new RangeError("a block holds less than 1 GiB");
  const whole = new Uint8Array(Math.ceil(length / 8) * 8);
  whole.set(u32(((type << 30) | length) >>> 0));
  whole.set(content, 4);
  return whole;
}

/** apk-tools, src/adb.c: version, digest, key id, then the signature over schema, these, and the metadata's digest. */
function signatureOf(metadata: Uint8Array, { privateKey }: ApkKey): Uint8Array {
  const jwk = createPublicKey(privateKey).export({ format: "jwk" });
  const coordinate = (text: string | undefined) => Uint8Array.fromBase64(text ?? "", { alphabet: "base64url" });
  const point = concatAll([Uint8Array.of(4), coordinate(jwk.x), coordinate(jwk.y)]);
  const head = concatAll([Uint8Array.of(0, SHA512), sha512(point).subarray(0, 16)]);
  const signed = concatAll([ascii(SCHEMA), head, sha512(metadata)]);
  return concatAll([head, new Uint8Array(sign("sha512", signed, privateKey))]);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

function sha512(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha512").update(bytes).digest());
}
