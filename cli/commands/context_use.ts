/** `qight context use`: which context is in use when nothing else is said. @module */
import { QightError } from "../../proto/errors.ts";
import { editConfig } from "../config_edit.ts";
import { contextNamed, printContext } from "../contexts.ts";
import { previousContext, rememberContext } from "../previous_context.ts";
import type { Settings } from "../settings.ts";
import type { Call } from "../tree/spec.ts";

/** Writes default_context and remembers the one before, which `-` brings back. */
export async function run({ args: [asked], settings, out }: Call): Promise<void> {
  const context = contextNamed(settings, asked === "-" ? await theOneBefore(settings) : asked);
  const { name } = context;
  const now = settings.files.map(({ values }) => values.default_context).find((each) => each);
  await editConfig(
    settings,
    ({ default_context }) => default_context === name ? [] : [{ set: ["default_context"], value: name }],
  );
  if (now !== undefined && now !== name) await rememberContext(settings, now);
  const { origin, source } = settings.origins.context;
  const overruled = origin === "flag" || origin === "environment";
  await printContext(out, { ...context, inUse: overruled ? context.inUse : true });
  if (overruled && !context.inUse) out.note(`${source} is set and wins: "${settings.context}" stays in use with it`);
  if (settings.origins.relay.origin === "environment") {
    out.note("QIGHT_RELAY is set and wins over the relay of every context");
  }
}

async function theOneBefore(settings: Settings): Promise<string> {
  const name = await previousContext(settings);
  if (name !== undefined) return name;
  throw new QightError("config", "There was no other context in use before", {
    hint: "qight context list shows them, qight context use NAME chooses one.",
  });
}
