/**
 * The bill of materials of a build: CycloneDX 1.6 in JSON, made from the lock files.
 * @module
 */
import type { Input } from "./inputs.ts";
import { licenceOf } from "./licences.ts";
import type { Package } from "./lock_graph.ts";

/** One component, as CycloneDX writes it. */
interface Component {
  readonly type: "library" | "application";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses: readonly { readonly expression: string }[];
}

/** The bill as text. It has no time and no serial number, so that the same build gives the same bytes. */
export async function billOfMaterials(
  root: string,
  version: string,
  packages: readonly Package[],
  inputs: readonly Input[],
): Promise<string> {
  const components = [
    ...await Promise.all(packages.map((each) => fromNpm(root, each))),
    ...inputs.filter(({ path }) => !path.startsWith("LICENSES/")).map(fromInput),
  ].sort((a, b) => a["bom-ref"] < b["bom-ref"] ? -1 : 1);
  const unique = components.filter((each, index) => each["bom-ref"] !== components[index - 1]?.["bom-ref"]);
  const purl = `pkg:generic/qight@${version}`;
  const needs = new Map(packages.map((each) => [npmPurl(each.name, each.version), each.needs]));
  return JSON.stringify(
    {
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      version: 1,
      metadata: {
        component: {
          type: "application",
          "bom-ref": purl,
          name: "qight",
          version,
          purl,
          licenses: [{ expression: "MIT" }],
        },
      },
      components: unique,
      dependencies: [
        { ref: purl, dependsOn: unique.map((each) => each["bom-ref"]) },
        ...unique.map(({ "bom-ref": ref }) => ({
          ref,
          dependsOn: (needs.get(ref) ?? []).map((each) => {
            const at = each.lastIndexOf("@");
            return npmPurl(each.slice(0, at), each.slice(at + 1));
          }),
        })),
      ],
    },
    null,
    2,
  ) + "\n";
}

async function fromNpm(root: string, each: Package): Promise<Component> {
  const purl = npmPurl(each.name, each.version);
  const sha512 = Uint8Array.fromBase64(each.integrity.replace(/^sha512-/, "")).toHex();
  return {
    type: "library",
    "bom-ref": purl,
    name: each.name,
    version: each.version,
    purl,
    hashes: [{ alg: "SHA-512", content: sha512 }],
    licenses: [{ expression: await licenceOf(root, each) }],
  };
}

/** A file that is taken as it is; its hash is that of the file. */
function fromInput({ path, target, npm, debian, arch, version, licence, sha256 }: Input): Component {
  const purl = npm ? npmPurl(npm, version) : `pkg:deb/debian/${debian}@${encodeURIComponent(version)}?arch=${arch}`;
  return {
    type: path === "deno" ? "application" : "library",
    "bom-ref": `${purl}#${target}/${path}`,
    name: path,
    version,
    purl,
    hashes: [{ alg: "SHA-256", content: sha256 }],
    licenses: [{ expression: licence }],
  };
}

/** Package URL (purl-spec, "npm"): the scope's @ is percent-encoded. */
function npmPurl(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}
