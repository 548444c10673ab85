/** `qight man`: the manual. @module */
import { pageNamed, pageSource } from "../man/pages.ts";
import type { Call } from "../tree/spec.ts";
import { helpText } from "./help.ts";

/** Shows a page on a terminal; elsewhere prints its source. */
export async function run({ args: [word], settings, out }: Call): Promise<void> {
  const name = pageNamed(word);
  const roff = pageSource(name);
  if (!out.onTerminal) return await out.bytes(new TextEncoder().encode(roff));
  const { showPage } = await import("../man/viewer.ts");
  const plain = helpText(name === "qight" ? [] : [name.slice("qight-".length)]);
  await showPage({ name, roff, plain }, out, settings.env);
}
