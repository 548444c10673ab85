/** The JSON Schemas that config schema prints say the same as the readers of the files. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { parseConfig } from "../../cli/config_file.ts";
import { clientKeys, type Keys } from "../../cli/config_keys.ts";
import { clientSchema, relaySchema } from "../../cli/config_schema.ts";
import { parse } from "smol-toml";
import { QightError } from "../../proto/errors.ts";
import { sampleToml } from "../../relay/config.ts";
import { defaults } from "../../relay/config/schema.ts";
import { row, World } from "./harness.ts";

const world = new World();
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: false | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly description?: string;
  readonly default?: unknown;
  readonly title?: string;
  readonly $schema?: string;
}

const KEYWORDS = new Set<keyof Schema>([
  "type",
  "properties",
  "additionalProperties",
  "items",
  "anyOf",
  "enum",
  "const",
  "pattern",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "minLength",
  "maxLength",
  "description",
  "default",
  "title",
  "$schema",
]);

/** As much of JSON Schema 2020-12 as the schemas use; a keyword it does not know is a mistake of this test. */
function accepts(schema: Schema, value: unknown): boolean {
  for (const keyword of Object.keys(schema)) assert.ok(KEYWORDS.has(keyword as keyof Schema), keyword);
  if (schema.anyOf && !schema.anyOf.some((each) => accepts(each, value))) return false;
  if (schema.enum && !schema.enum.includes(value)) return false;
  if ("const" in schema && schema.const !== value) return false;
  if (schema.type && typeOf(value) !== schema.type) return false;
  if (typeof value === "string") {
    const { pattern, minLength = 0, maxLength = Infinity } = schema;
    return (!pattern || new RegExp(pattern, "u").test(value)) && value.length >= minLength && value.length <= maxLength;
  }
  if (typeof value === "number") return value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity);
  if (Array.isArray(value)) {
    const { items = {}, minItems = 0, maxItems = Infinity } = schema;
    return value.length >= minItems && value.length <= maxItems && value.every((each) => accepts(items, each));
  }
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([name, each]) => {
    const own = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties![name] : schema.additionalProperties;
    return own === undefined || (own !== false && accepts(own, each));
  });
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "number" ? "integer" : typeof value;
}

/** Whether qight reads a config.toml that says this. */
async function reads(value: Record<string, unknown>): Promise<boolean> {
  try {
    await parseConfig(stringify(value), "config.toml");
    return true;
  } catch (error) {
    if (error instanceof QightError) return false;
    throw error;
  }
}

const leaves = ["", "10s", "1h30m", "10", "50MiB", "50MB", "50", "utc", "qight://host", "h", "1h1w", true, 3, ["10s"]];
const places = [[], ["output"], ["repl"], ["files"], ["context", "a"]].flatMap((above) =>
  ["odd", "default_context", "json", "time", "notify", "auto_accept", "max", "save_dir", "timeout", "relay"]
    .map((key) => [...above, key])
);

Deno.test("the schema of config.toml accepts exactly what qight accepts, whatever stands where", async () => {
  const schema = clientSchema() as Schema;
  const accepted = { true: 0, false: 0 };
  for (const path of [["output"], ["context"], ["context", "a"], ...places]) {
    for (const leaf of leaves) {
      const value = path.reduceRight<unknown>((inside, part) => ({ [part]: inside }), leaf) as Record<string, unknown>;
      const right = accepts(schema, value);
      assert.equal(await reads(value), right, JSON.stringify(value));
      accepted[`${right}`]++;
    }
  }
  assert.ok(accepted.true > 30 && accepted.false > 500, JSON.stringify(accepted));
});

Deno.test("the schema of config.toml accepts every right file, and qight does", async () => {
  const schema = clientSchema() as Schema;
  await fc.assert(
    fc.asyncProperty(good(clientKeys), async (value) => {
      assert.ok(accepts(schema, value));
      assert.ok(await reads(value));
    }),
    { seed: 20261121, numRuns: 300 },
  );
});

/** Tables that are right. */
function good(keys: Keys): fc.Arbitrary<Record<string, unknown>> {
  const values = { string: "qight://host", path: "/p", duration: "1h30m", size: "50MiB", boolean: true };
  return fc.record(
    Object.fromEntries(
      Object.entries(keys).map(([name, row]): [string, fc.Arbitrary<unknown>] => {
        if ("table" in row) return [name, good(row.table)];
        if ("each" in row) return [name, fc.dictionary(fc.constantFrom("a", "b.c"), good(row.each), { maxKeys: 2 })];
        return [name, typeof row.type === "string" ? fc.constant(values[row.type]) : fc.constantFrom(...row.type)];
      }),
    ),
    { requiredKeys: [] },
  );
}

Deno.test("the schema of relay.toml has every key with its default, and accepts the sample and nothing unknown", async () => {
  const schema = await relaySchema() as Schema;
  for (const [key, value] of Object.entries(defaults)) {
    const found = key.split(".").reduce<Schema | undefined>((at, part) => at?.properties?.[part], schema);
    assert.ok(found, `${key} is missing`);
    if (key !== "websocket.listen") assert.deepEqual(found.default, value, key);
    assert.ok(accepts(found, value), `the default of ${key} is accepted`);
  }
  assert.ok(accepts(schema, structuredClone(parse(sampleToml()))));
  assert.ok(accepts(schema, { listen: ["[::]:4433"] }), "every other key may be left out");
  assert.ok(accepts(schema, { websocket: { listen: "" } }));
  for (const wrong of [{ lisen: [] }, { listen: "x" }, { auth: { mode: "close" } }, { tls: { leaf_days: 0 } }]) {
    assert.ok(!accepts(schema, wrong), JSON.stringify(wrong));
  }
});

row(
  "config schema prints a JSON Schema of config.toml, with relay one of relay.toml; anything else is 64",
  async () => {
    const user = world.person("user");
    const client = JSON.parse(await user.ok(["config", "schema"]));
    assert.match(client.$schema, /json-schema\.org\/draft\/2020-12/);
    assert.equal(client.properties.files.properties.max.default, "50MiB");
    assert.deepEqual(JSON.parse(await user.ok(["config", "schema", "--json"])), client);
    const relay = JSON.parse(await user.ok(["config", "schema", "relay"]));
    assert.equal(relay.properties.tls.properties.leaf_days.maximum, 398);
    const broken = user.file("broken.toml", "x = 1\n");
    assert.equal((await user.run(["config", "schema", "-c", broken])).code, 0, "a broken file is no hindrance");
    assert.equal((await user.run(["config", "schema", "mesh"])).code, 64);
  },
);
