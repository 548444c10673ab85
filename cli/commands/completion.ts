/** `qight completion`: the script that completes qight in a shell. @module */
import { QightError } from "../../proto/errors.ts";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import { nameLists, shells } from "../completion/kinds.ts";
import { type Place, placesOf } from "../completion/places.ts";
import { zshScript } from "../completion/zsh.ts";
import type { completionSpec } from "../tree/generated.ts";
import type { Call } from "../tree/spec.ts";
import { tree } from "../tree/tree.ts";

const scripts: Record<typeof shells[number], (places: readonly Place[]) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** Prints the script of a shell; or, for such a script, a list of names, one a line. */
export async function run({ args: [shell], options, settings, out }: Call<typeof completionSpec>): Promise<void> {
  if (options.words !== undefined) return await printNames(options.words, { settings, out });
  const known = shells.find((name) => name === shell);
  if (known === undefined) {
    throw new QightError("usage", shell ? `There is no completion for "${shell}"` : "A shell is needed", {
      hint: `One of ${shells.join(", ")}: qight completion bash.`,
    });
  }
  await out.bytes(new TextEncoder().encode(scripts[known](placesOf(tree))));
}

async function printNames(list: string, { settings, out }: Pick<Call, "settings" | "out">): Promise<void> {
  const known = nameLists.find((name) => name === list);
  if (known === undefined) throw new QightError("usage", `There is no list "${list}": ${nameLists.join(", ")}`);
  const [{ namesOf }, { settle }] = await Promise.all([import("../completion/names.ts"), import("../settings.ts")]);
  const whole = await settle(settings.flags, settings.env, "repairs");
  for (const name of await namesOf(known, whole, out)) await out.line(name);
}
