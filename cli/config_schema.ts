/** JSON Schemas (draft 2020-12) of config.toml and relay.toml, made from the tables that check the files. @module */
import { clientKeys, type Keys, type KeySpec } from "./config_keys.ts";

type Schema = Record<string, unknown>;

const DIALECT = "https://json-schema.org/draft/2020-12/schema";
// The same forms as relay/config/durations.ts and sizes.ts read. Empty counts as not set.
const DURATION = "^(?:\\d{1,9}w)?(?:\\d{1,9}d)?(?:\\d{1,9}h)?(?:\\d{1,9}m)?(?:\\d{1,9}s)?$";
const SIZE = "^(?:\\d{1,12}(?:B|KiB|MiB|GiB))?$";

/** The schema of the client's config.toml. */
export function clientSchema(): Schema {
  return { $schema: DIALECT, title: "config.toml of qight", ...tableSchema(clientKeys) };
}

/** The schema of relay.toml. */
export async function relaySchema(): Promise<Schema> {
  const [{ defaults, relayToml }, { keyNotes }] = await Promise.all([
    import("../relay/config/schema.ts"),
    import("../relay/config/sample.ts"),
  ]);
  const schema = relayToml.toJSONSchema({ io: "input" }) as Schema;
  explain(schema, "", defaults, keyNotes);
  return { $schema: DIALECT, title: "relay.toml of qight", ...schema };
}

function tableSchema(keys: Keys): Schema {
  const properties = Object.entries(keys).map(([name, row]) => {
    if ("type" in row) return [name, valueSchema(row)];
    if ("table" in row) return [name, tableSchema(row.table)];
    return [name, { type: "object", additionalProperties: tableSchema(row.each) }];
  });
  return { type: "object", properties: Object.fromEntries(properties), additionalProperties: false };
}

function valueSchema({ type, text, fallback }: KeySpec): Schema {
  const about = { description: text, ...(fallback === undefined ? {} : { default: fallback }) };
  if (typeof type !== "string") return { enum: [...type], ...about };
  if (type === "boolean") return { type, ...about };
  const pattern = type === "duration" ? DURATION : type === "size" ? SIZE : undefined;
  return { type: "string", ...(pattern ? { pattern } : {}), ...about };
}

/** Every key may be left out (the parsed form has all of them), has a default, and some have a note. */
function explain(
  schema: Schema,
  above: string,
  defaults: Readonly<Record<string, unknown>>,
  notes: Readonly<Record<string, string>>,
): void {
  delete schema.required;
  for (const [name, property] of Object.entries(schema.properties as Record<string, Schema>)) {
    const key = above + name;
    if (property.properties) explain(property, `${key}.`, defaults, notes);
    // Absent is something else than an empty list for this one key: the same addresses as `listen`.
    else if (key !== "websocket.listen") property.default = defaults[key];
    if (notes[key] !== undefined) property.description = notes[key];
  }
}
