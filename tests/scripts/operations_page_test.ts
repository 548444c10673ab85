/**
 * The operator's page says what the code does: every key with its default, every metric, every admin command.
 * @module
 */
import assert from "node:assert/strict";
import { relaySpec } from "../../cli/tree/relay.ts";
import type { CommandSpec } from "../../cli/tree/spec.ts";
import { defaults, type RawValue } from "../../relay/config/schema.ts";
import { createMetrics } from "../../relay/metrics.ts";

const page = await Deno.readTextFile(new URL("../../docs/operations.md", import.meta.url));

Deno.test("every key of relay.toml is on the page with its default, and no other key", () => {
  const documented = keysOn(page);
  assert.deepEqual([...documented.keys()].sort(), Object.keys(defaults).sort());
  for (const [key, text] of documented) {
    if (key === "data_dir" || key === "websocket.listen") continue; // said in words
    assert.equal(text, written(defaults[key]), key);
  }
});

Deno.test("every metric that the relay renders is on the page, and no other", async () => {
  const rendered = await createMetrics({ version: "0" }).render({
    store: { messages: 0, bytes: 0, groups: 0 },
    certificateExpiresAtMs: 0,
  });
  const made = [...rendered.matchAll(/^# TYPE (qight_\w+)/gm)].map((found) => found[1]);
  const named = [...page.matchAll(/`(qight_\w+)[`{]/g)].map((found) => found[1]);
  assert.deepEqual([...new Set(named)].sort(), made.sort());
});

Deno.test("every command of the operator is on the page", () => {
  for (const name of namesBelow(relaySpec)) assert.ok(page.includes(`qight relay ${name}`), `qight relay ${name}`);
});

/** First cells name keys; a name without a section has the one before it. Second cells hold their defaults. */
function keysOn(markdown: string): Map<string, string> {
  const table = markdown.slice(markdown.indexOf("| Key | Default |"));
  const found = new Map<string, string>();
  for (const row of table.slice(0, table.indexOf("\n\n")).split("\n").slice(2)) {
    const [, names, values] = row.split("|");
    const spans = (cell: string) => [...cell.matchAll(/`([^`]*)`/g)].map((span) => span[1]);
    let section = "";
    spans(names).forEach((name, index) => {
      if (name.includes(".")) section = name.split(".")[0] + ".";
      found.set(name.includes(".") ? name : section + name, spans(values)[index] ?? spans(values)[0] ?? "");
    });
  }
  return found;
}

function written(value: RawValue): string {
  return typeof value === "number" ? `${value}` : JSON.stringify(value);
}

function namesBelow(spec: CommandSpec): string[] {
  return (spec.commands ?? []).flatMap((child) =>
    child.commands ? namesBelow(child).map((name) => `${child.name} ${name}`) : [child.name]
  );
}
