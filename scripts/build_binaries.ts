/**
 * `deno task build`: makes every Linux artefact of a release, and what goes with them, in one folder.
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { VERSION } from "../cli/version.ts";
import { readApkKey } from "./build/apk.ts";
import { releaseArchive } from "./build/archive.ts";
import { assertMachine, compile, compiledTargets } from "./build/compiled.ts";
import { forgetDebian } from "./build/debian_input.ts";
import { type Target, targets } from "./build/inputs.ts";
import { oneFile } from "./build/onefile.ts";
import { makePackages } from "./build/packages.ts";
import { releaseNotes } from "./build/release_notes.ts";
import { billOfMaterials } from "./build/sbom.ts";
import { sign } from "./build/signature.ts";
import { byBytes } from "./build/tar.ts";
import { checksums, makeBundle, makeTree, openInputs, projectRoot, type TreeOptions } from "./build/tree.ts";

const USAGE = `deno task build [options]
  --target linux-x64|linux-arm64   one target; repeat for more (default: both)
  --only file|archive|packages     this kind of artefact alone; repeat for more
  --compile TRIPLE                 also by deno compile, for example aarch64-apple-darwin; needs a network
  --out DIR                        where to (default: dist)
  --inputs DIR                     files for a machine without a network, found by their SHA-256
  --commit HASH                    revision to name when this is no git checkout
  --apk-key FILE                   signs the .apk files
  --sign-with FILE                 signs checksums.txt with the device key of this identity
  --passphrase-file FILE           of that identity`;

/** What the command line asked for. */
export interface BuildOrder {
  readonly targets: readonly Target[];
  readonly kinds: readonly Kind[];
  readonly out: string;
  readonly compile?: readonly string[];
  readonly inputs?: string;
  readonly commit?: string;
  readonly apkKey?: string;
  readonly signWith?: string;
  readonly passphraseFile?: string;
}

type Kind = "file" | "archive" | "packages";
const kinds: readonly Kind[] = ["file", "archive", "packages"];

/** Builds; the names of the files that were made are said as they come. Throws naming what is missing. */
export async function build(order: BuildOrder, say: (line: string) => void = console.log): Promise<void> {
  const root = projectRoot;
  const inputs = await openInputs(root, order.inputs);
  try {
    const common: TreeOptions = { root, inputs, ...(order.commit === undefined ? {} : { commit: order.commit }) };
    const bundle = await makeBundle(common);
    const script = await Deno.readTextFile(join(root, "packaging/onefile/header.sh"));
    const apkKey = order.apkKey === undefined ? undefined : readApkKey(await Deno.readTextFile(order.apkKey));
    const made: string[] = [];
    await Deno.mkdir(order.out, { recursive: true });
    const lines: string[] = [];
    const archives: [string, Promise<Uint8Array>][] = [];
    const put = async (name: string, bytes: Uint8Array, mode = 0o644) => {
      await Deno.writeFile(join(order.out, name), bytes, { mode });
      await Deno.chmod(join(order.out, name), mode); // writing over a file keeps its old mode
      lines.push(await checksums([{ path: name, bytes }]));
      made.push(name);
      say(`${name}  ${(bytes.length / 1e6).toFixed(1)} MB`);
    };
    for (const target of order.targets) {
      const tree = await makeTree(target, { ...common, bundle });
      const wants = (kind: Kind) => order.kinds.includes(kind);
      // xz works on the other core, longer than all the rest together.
      if (wants("archive")) {
        const archive = releaseArchive(target, VERSION, tree);
        archive.catch(() => {}); // said where it is waited for
        archives.push([`qight-${VERSION}-${target}.tar.xz`, archive]);
      }
      if (wants("file")) await put(`qight-${VERSION}-${target}`, await oneFile(tree, script), 0o755);
      if (wants("packages")) {
        for await (const { name, bytes } of makePackages(target, tree, { version: VERSION, apkKey })) {
          await put(name, bytes);
        }
      }
      const bill = await billOfMaterials(root, VERSION, bundle.packages, inputs.of(target));
      await put(`qight-${VERSION}-${target}.cdx.json`, new TextEncoder().encode(bill));
    }
    for (const [name, archive] of archives) await put(name, await archive);
    if (apkKey) await put("qight-apk.pem", new TextEncoder().encode(apkKey.publicPem));
    for (const triple of order.compile ?? []) {
      const addon = await Deno.readFile(await addonOf(root, compiledTargets[triple]));
      const { bytes } = await compile(triple, bundle, addon);
      assertMachine(triple, bytes);
      await put(`qight-${VERSION}-${triple}${triple.includes("windows") ? ".exe" : ""}`, bytes, 0o755);
    }
    const notes = releaseNotes(await Deno.readTextFile(join(root, "CHANGELOG.md")), VERSION);
    await put("RELEASE_NOTES.md", new TextEncoder().encode(notes));
    const list = join(order.out, "checksums.txt");
    const pathOf = (line: string) => line.slice(66);
    await Deno.writeTextFile(list, lines.sort((a, b) => byBytes(pathOf(a), pathOf(b))).join(""));
    say(`checksums.txt  ${made.length} files`);
    if (order.signWith !== undefined) {
      await Deno.writeTextFile(`${list}.sig`, await sign(root, list, order.signWith, order.passphraseFile));
      say("checksums.txt.sig");
    }
  } finally {
    await forgetDebian();
  }
}

/** The addon of any platform, out of the installed package: `deno install` checked it against deno.lock. */
async function addonOf(root: string, platform: string): Promise<string> {
  const { imports } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const [, name, version] = /^npm:(.+)@(.+)$/.exec(imports["better-sqlite3"])!;
  return join(root, `node_modules/.deno/${name}@${version}/node_modules/${name}/prebuilds/${platform}.node`);
}

/** Reads the command line; throws a sentence with the usage when it is wrong. */
export function readOrder(args: readonly string[]): BuildOrder {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: "string", multiple: true },
      only: { type: "string", multiple: true },
      compile: { type: "string", multiple: true },
      out: { type: "string", default: "dist" },
      inputs: { type: "string" },
      commit: { type: "string" },
      "apk-key": { type: "string" },
      "sign-with": { type: "string" },
      "passphrase-file": { type: "string" },
    },
  });
  const oneOf = <T extends string>(given: string[] | undefined, known: readonly T[], option: string): readonly T[] => {
    const wrong = given?.find((each) => !known.includes(each as T));
    if (wrong !== undefined) throw new Error(`--${option} ${wrong}: one of ${known.join(", ")}\n${USAGE}`);
    return given as T[] | undefined ?? known;
  };
  return {
    targets: oneOf(values.target, targets, "target"),
    kinds: oneOf(values.only, kinds, "only"),
    compile: values.compile === undefined ? [] : oneOf(values.compile, Object.keys(compiledTargets), "compile"),
    out: values.out,
    inputs: values.inputs,
    commit: values.commit,
    apkKey: values["apk-key"],
    signWith: values["sign-with"],
    passphraseFile: values["passphrase-file"],
  };
}

if (import.meta.main) {
  try {
    if (Deno.args.includes("--help") || Deno.args.includes("-h")) console.log(USAGE);
    else await build(readOrder(Deno.args));
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
