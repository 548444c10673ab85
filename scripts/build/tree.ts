/**
 * The tree that every Linux artefact holds: Deno, the bundle, the addon, a glibc of its own, manual pages, completions,
 * licences, and the checksums of all of them.
 * @module
 */
import { fileURLToPath } from "node:url";
import type { BuildInfo } from "../../cli/build_info.ts";
import { bashScript } from "../../cli/completion/bash.ts";
import { fishScript } from "../../cli/completion/fish.ts";
import { placesOf } from "../../cli/completion/places.ts";
import { zshScript } from "../../cli/completion/zsh.ts";
import { pageNames, pageSource } from "../../cli/man/pages.ts";
import { tree as commands } from "../../cli/tree/tree.ts";
import { type Bundle, bundle } from "./bundle.ts";
import { sourceCommit } from "./commit.ts";
import { type Input, inputCache, Inputs, readInputs, sha256Hex, type Target } from "./inputs.ts";
import { licenceFiles } from "./licences.ts";
import { byBytes, type TreeFile } from "./tar.ts";

export type { Target } from "./inputs.ts";
export { type TreeFile } from "./tar.ts";

/** Where a tree comes from; all have a default. */
export interface TreeOptions {
  /** The project's folder; the one this file is in unless given. */
  readonly root?: string;
  /** Where pinned inputs are looked for and kept. */
  readonly inputs?: Inputs;
  /** Revision of the source; git is asked unless given. */
  readonly commit?: string | null;
  /** A bundle that was made already: it is the same for every target. */
  readonly bundle?: Bundle;
}

/** The project's folder. */
export const projectRoot: string = fileURLToPath(new URL("../..", import.meta.url));

/** All files of a target's tree, sorted by the bytes of their paths, with SHA256SUMS over the others. */
export async function makeTree(target: Target, options: TreeOptions = {}): Promise<TreeFile[]> {
  const root = options.root ?? projectRoot;
  const inputs = options.inputs ?? await openInputs(root);
  const { files: bundled, packages } = options.bundle ?? await makeBundle({ ...options, root, inputs });
  const files: TreeFile[] = [];
  const encoder = new TextEncoder();
  const text = (path: string, content: string) => files.push({ path, mode: 0o644, bytes: encoder.encode(content) });
  for (const input of inputs.of(target)) {
    const bytes = await inputs.bytes(input);
    files.push({ path: input.path, mode: isProgram(input, bytes) ? 0o755 : 0o644, bytes });
  }
  for (const [path, bytes] of bundled) files.push({ path, mode: 0o644, bytes });
  for (const name of pageNames()) text(`man/man1/${name}.1`, pageSource(name));
  const places = placesOf(commands);
  text("completions/bash/qight", bashScript(places));
  text("completions/zsh/_qight", zshScript(places));
  text("completions/fish/qight.fish", fishScript(places));
  files.push(...await licenceFiles(root, packages, inputs.of(target)));
  files.sort((a, b) => byBytes(a.path, b.path));
  text("SHA256SUMS", await checksums(files));
  return files.sort((a, b) => byBytes(a.path, b.path));
}

/** The bundle of a tree; for those who make several trees of one source. */
export async function makeBundle(options: TreeOptions = {}): Promise<Bundle> {
  const root = options.root ?? projectRoot;
  const inputs = options.inputs ?? await openInputs(root);
  const commit = options.commit === undefined ? await sourceCommit(root) : options.commit;
  return await bundle(root, inputs, { commit, embedded: embeddedVersions(inputs.of("linux-x64")) });
}

/** A line for each file, in the form and order of `sha256sum`. */
export async function checksums(files: readonly { path: string; bytes: Uint8Array }[]): Promise<string> {
  const lines = await Promise.all(files.map(async ({ path, bytes }) => `${await sha256Hex(bytes)}  ${path}\n`));
  return lines.join("");
}

/** The pinned inputs of a project, kept in this user's cache. */
export async function openInputs(root: string = projectRoot, given?: string): Promise<Inputs> {
  return new Inputs(await readInputs(root), { cache: inputCache(), ...(given === undefined ? {} : { given }) });
}

/** What `qight version --json` says of the parts; both targets carry the same versions. */
function embeddedVersions(inputs: readonly Input[]): BuildInfo["embedded"] {
  const names: Record<string, string> = { "libc6": "glibc", "libstdc++6": "libstdc++", "libgcc-s1": "libgcc" };
  const rows = inputs.flatMap(({ npm, debian, version }) => {
    if (npm) return [[npm.startsWith("@deno/") ? "deno" : npm, version]];
    return names[debian!] ? [[names[debian!], version]] : [];
  });
  return Object.fromEntries(rows.sort(([a], [b]) => byBytes(a, b)));
}

/** The loader and Deno are started; libraries are only read, whatever bits Debian gave them. */
function isProgram({ path }: Input, bytes: Uint8Array): boolean {
  const isElf = bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
  return isElf && (path === "deno" || path === "lib/qight");
}
