/** The tree of a real build, once for a test file; or why there is none here. @module */
import type { TreeFile } from "../../scripts/build/tar.ts";
import { treeOf } from "./built.ts";

/** The x64 tree, or the reason that a test's name gives. */
export type RealTree = { readonly tree: readonly TreeFile[]; readonly missing: "" } | {
  readonly tree: readonly [];
  readonly missing: string;
};

/** Builds it; an input that cannot be had is a reason, anything else an error. */
export async function realTree(): Promise<RealTree> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    return { tree: [], missing: " (ignored: the x64 build does not run here)" };
  }
  try {
    return { tree: await treeOf("linux-x64"), missing: "" };
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("An input is missing")) throw error;
    console.error(error.message);
    return { tree: [], missing: " (ignored: an input of the build cannot be had here)" };
  }
}
