/** `qight config schema`: what may stand in config.toml or relay.toml, for editors and checkers. @module */
import { QightError } from "../../proto/errors.ts";
import { clientSchema, relaySchema } from "../config_schema.ts";
import type { Call } from "../tree/spec.ts";

/** Prints the JSON Schema; over several lines unless `--json`. */
export async function run({ args: [which], out }: Call): Promise<void> {
  if (which !== undefined && which !== "relay") {
    throw new QightError("usage", `There is no schema of "${which}"`, {
      hint: "qight config schema is about config.toml, qight config schema relay about relay.toml.",
    });
  }
  const schema = which === "relay" ? await relaySchema() : clientSchema();
  if (out.json) return await out.object(schema);
  for (const line of JSON.stringify(schema, null, 2).split("\n")) await out.line(line);
}
