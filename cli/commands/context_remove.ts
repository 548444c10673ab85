/** `qight context remove`: takes a context out of config.toml. @module */
import { QightError } from "../../proto/errors.ts";
import { editConfig } from "../config_edit.ts";
import { contextNamed } from "../contexts.ts";
import type { Change } from "../toml_text.ts";
import type { Call } from "../tree/spec.ts";

/** Removes it, and default_context with it when that named it. Keys, messages and tokens stay where they are. */
export async function run({ args: [name], settings, out }: Call): Promise<void> {
  const { files } = contextNamed(settings, name);
  const elsewhere = files.filter((path) => path !== settings.configPath);
  if (elsewhere.length === files.length) {
    throw new QightError("not_allowed", `"${name}" stands in ${elsewhere[0]}, for all users of this machine`, {
      hint: "Its administrator can take it out; a context of the same name in your own config.toml wins over it.",
    });
  }
  let wasDefault = false;
  await editConfig(settings, ({ default_context }): Change[] => {
    wasDefault = default_context === name;
    return [...(wasDefault ? [{ remove: ["default_context"] }] : []), { remove: ["context", name] }];
  });
  await out.result({ name, removed: true }, name);
  for (const path of elsewhere) out.note(`${path} still has a context "${name}", for all users of this machine`);
  if (wasDefault) out.note("No context is in use now; qight context use NAME chooses one");
}
