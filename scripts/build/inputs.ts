/**
 * What a build takes from elsewhere, each file pinned by its SHA-256 in packaging/inputs.lock.json.
 * @module
 */
import { join } from "node:path";
import { fetchFromDebian } from "./debian_input.ts";
import { fetchFromNpm } from "./npm_input.ts";

/** What a tree is made for. */
export type Target = "linux-x64" | "linux-arm64";

/** All of them. */
export const targets: readonly Target[] = ["linux-x64", "linux-arm64"];

/** One file that a build needs and the project does not hold. */
export interface Input {
  /** A target, `any`, or `host-…` for a program that the build itself runs. */
  readonly target: string;
  /** Where it is in the tree. */
  readonly path: string;
  /** Package of npm or of Debian that has it, with its version and the place in it. */
  readonly npm?: string;
  readonly debian?: string;
  readonly arch?: string;
  readonly version: string;
  readonly file: string;
  /** SPDX. */
  readonly licence: string;
  readonly sha256: string;
}

/** All pinned inputs of a project folder. */
export async function readInputs(root: string): Promise<Input[]> {
  return JSON.parse(await Deno.readTextFile(join(root, "packaging/inputs.lock.json")));
}

/** SHA-256 in hex. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)).toHex();
}

/** Where inputs are looked for and kept. */
export interface InputPlaces {
  /** Holds each input under its SHA-256; what was fetched once is not fetched again. */
  readonly cache: string;
  /** A folder that somebody filled by hand, names do not matter; for machines without a network. */
  readonly given?: string;
}

/** `$XDG_CACHE_HOME/qight-build`, or below home; what is in it may be removed at any time. */
export function inputCache(): string {
  const { XDG_CACHE_HOME, HOME } = Deno.env.toObject();
  return join(XDG_CACHE_HOME || join(HOME ?? "/tmp", ".cache"), "qight-build");
}

/** Hands out inputs whose bytes are those that were pinned. */
export class Inputs {
  readonly #places: InputPlaces;
  readonly #inputs: readonly Input[];
  #given: Map<string, string> | undefined;

  constructor(inputs: readonly Input[], places: InputPlaces) {
    this.#inputs = inputs;
    this.#places = places;
  }

  /** The inputs of a target, those for all targets among them. */
  of(target: string): readonly Input[] {
    return this.#inputs.filter((input) => input.target === target || input.target === "any");
  }

  /** The bytes of an input; throws naming it when it is nowhere and cannot be fetched. */
  async bytes(input: Input): Promise<Uint8Array> {
    const kept = join(this.#places.cache, input.sha256);
    const found = await this.#fitting(kept, input) ?? await this.#fromGiven(input) ?? await this.#fromHere(input);
    if (found) return found;
    const fetched = await this.#fetched(input);
    const sha256 = await sha256Hex(fetched);
    if (sha256 !== input.sha256) {
      throw new Error(`${describe(input)} is not the pinned one: SHA-256 ${sha256} instead of ${input.sha256}`);
    }
    await Deno.mkdir(this.#places.cache, { recursive: true });
    const part = `${kept}.${crypto.randomUUID()}`;
    await Deno.writeFile(part, fetched);
    await Deno.rename(part, kept);
    return fetched;
  }

  async #fetched(input: Input): Promise<Uint8Array> {
    try {
      if (input.npm) return await fetchFromNpm(input.npm, input.version, input.file);
      return await fetchFromDebian(input.debian!, input.arch!, input.version, input.file);
    } catch (error) {
      throw new Error(
        `An input is missing: ${describe(input)}. ${(error as Error).message}\n` +
          `Without a network: put a file with SHA-256 ${input.sha256} into a folder and name that with --inputs.`,
        { cause: error },
      );
    }
  }

  /** The Deno that runs this and the addon that is installed are often the pinned ones. */
  async #fromHere(input: Input): Promise<Uint8Array | null> {
    if (input.path === "deno") return await this.#fitting(Deno.execPath(), input);
    if (!input.npm) return null;
    const folder = `node_modules/.deno/${input.npm.replace("/", "+")}@${input.version}/node_modules/${input.npm}`;
    return await this.#fitting(new URL(`../../${folder}/${input.file}`, import.meta.url), input);
  }

  async #fromGiven(input: Input): Promise<Uint8Array | null> {
    if (this.#places.given === undefined) return null;
    this.#given ??= await hashesOf(this.#places.given);
    const path = this.#given.get(input.sha256);
    return path === undefined ? null : await Deno.readFile(path);
  }

  async #fitting(path: string | URL, input: Input): Promise<Uint8Array | null> {
    try {
      const bytes = await Deno.readFile(path);
      return await sha256Hex(bytes) === input.sha256 ? bytes : null;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }
}

async function hashesOf(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const entry of Deno.readDir(folder)) {
    if (!entry.isFile) continue;
    const path = join(folder, entry.name);
    found.set(await sha256Hex(await Deno.readFile(path)), path);
  }
  return found;
}

function describe({ path, target, npm, debian, arch, version, file }: Input): string {
  const source = npm ? `npm package ${npm} ${version}` : `Debian package ${debian} ${version} for ${arch}`;
  return `${path} of ${target} (${file} in the ${source})`;
}
