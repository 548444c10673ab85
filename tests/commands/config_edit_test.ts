/** Changing config.toml as text: comments, order and line ends stay; what is too unusual is refused. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "smol-toml";
import { changed } from "../../cli/config_edit.ts";
import type { Change } from "../../cli/toml_text.ts";

const use = (name: string): Change => ({ set: ["default_context"], value: name });
const relay = (name: string, value: string): Change => ({ set: ["context", name, "relay"], value });
const remove = (...path: string[]): Change => ({ remove: path });

const rows: [what: string, before: string, change: Change, after: string][] = [
  ["an empty file gets its first line", "", use("home"), 'default_context = "home"\n'],
  ["an empty file gets its first table", "", relay("a", "r"), '[context.a]\nrelay = "r"\n'],
  [
    "a value is replaced where it stands",
    "# mine\ndefault_context=\"a\"   # for now\n\n[context.a]\nrelay = 'x' # old\n",
    use("b"),
    "# mine\ndefault_context=\"b\"   # for now\n\n[context.a]\nrelay = 'x' # old\n",
  ],
  [
    "a literal string, its comment kept",
    "[context.a]\nrelay = 'x # y' # old\n",
    relay("a", "z"),
    '[context.a]\nrelay = "z" # old\n',
  ],
  [
    "a first root key goes above the first table and its comment",
    "# all of it\n\n# home\n[context.a]\n",
    use("a"),
    '# all of it\n\ndefault_context = "a"\n\n# home\n[context.a]\n',
  ],
  [
    "a new key goes to the end of its table, indented as the others",
    '[context.a]\n  timeout = "5s"\n\n# next\n[output]\njson = true\n',
    relay("a", "r"),
    '[context.a]\n  timeout = "5s"\n  relay = "r"\n\n# next\n[output]\njson = true\n',
  ],
  ["a table without keys", "[context.a] # empty\n", relay("a", "r"), '[context.a] # empty\nrelay = "r"\n'],
  ["a table that ends the file without a line end", "[context.a]", relay("a", "r"), '[context.a]\nrelay = "r"\n'],
  ["a new table after a last line without an end", 'a = "x"', relay("b", "r"), 'a = "x"\n\n[context.b]\nrelay = "r"\n'],
  ["a name with a dot is quoted", "", relay("a.b", "r"), '[context."a.b"]\nrelay = "r"\n'],
  [
    "a header in another spelling is the same table",
    '[ context . "a.b" ]\nrelay = "x"\n',
    relay("a.b", "r"),
    '[ context . "a.b" ]\nrelay = "r"\n',
  ],
  [
    "dotted keys at the top",
    'context.a.relay = "x"\ncontext.a.timeout = "5s"\n',
    relay("a", "r"),
    'context.a.relay = "r"\ncontext.a.timeout = "5s"\n',
  ],
  [
    "a value over several lines, brackets in its strings and comments",
    'x = [ # [\n "]", # [\n]\n[context.a]\n',
    relay("a", "r"),
    'x = [ # [\n "]", # [\n]\n[context.a]\nrelay = "r"\n',
  ],
  [
    "a string that looks like a table",
    'x = """\n[context.a]\n"""\n[context.a]\n',
    relay("a", "r"),
    'x = """\n[context.a]\n"""\n[context.a]\nrelay = "r"\n',
  ],
  [
    "line ends of Windows",
    "[context.a]\r\n# c\r\n",
    relay("a", "r"),
    '[context.a]\r\nrelay = "r"\r\n# c\r\n',
  ],
  [
    "a table goes with its keys, not with its neighbours' comments",
    '# one\n[context.a]\nrelay = "x"\n\n# two\n[context.b]\nrelay = "y"\n',
    remove("context", "a"),
    '# one\n# two\n[context.b]\nrelay = "y"\n',
  ],
  [
    "the last table goes with the blank lines before it",
    'default_context = "a"\n\n[context.b]\nrelay = "y"\n',
    remove("context", "b"),
    'default_context = "a"\n',
  ],
  [
    "a key goes alone",
    'default_context = "a" # now\n\n[context.a]\n',
    remove("default_context"),
    "[context.a]\n",
  ],
  [
    "dotted keys go one by one",
    'context.a.relay = "x"\ncontext.b.relay = "y"\ncontext.a.timeout = "5s"\n',
    remove("context", "a"),
    'context.b.relay = "y"\n',
  ],
  ["what is not there needs no removing", "# c\n", remove("context", "a"), "# c\n"],
  ["quotes and backslashes in a value", "", relay("a", 'q"\\\u007f\n'), '[context.a]\nrelay = "q\\"\\\\\\u007f\\n"\n'],
];
for (const [what, before, change, after] of rows) {
  Deno.test(`config.toml is changed in place: ${what}`, async () => {
    assert.equal(await changed(before, [change], "config.toml"), after);
  });
}

const unusual: [before: string, change: Change][] = [
  ['context = { a = { relay = "x" } }\n', relay("a", "r")],
  ['context = { a = { relay = "x" } }\n', relay("b", "r")],
  ['context = { a = { relay = "x" } }\n', remove("context", "a")],
  ['[context]\na.relay = "x"\n', { set: ["context", "a", "timeout"], value: "5s" }],
  ['[context]\na = { relay = "x" }\n', remove("context", "a", "relay")],
  ['[context."\\U00000061"]\nrelay = "x"\n', relay("a", "r")],
];
for (const [before, change] of unusual) {
  Deno.test(`config.toml ${JSON.stringify(before)} is not touched for ${JSON.stringify(change)}`, async () => {
    await assert.rejects(changed(before, [change], "/c/config.toml"), {
      code: "config",
      message: /^\/c\/config\.toml is written in a way/,
      hint: /Nothing was changed\. With an editor: (set|take) context\./,
    });
  });
}

const name = fc.constantFrom("a", "b", "long-name", "x.y");
const text = fc.constantFrom("v", "# no comment", "[context.a]", "it's", 'q"q', "\\", "ä");
const quoted = fc.tuple(text, fc.nat(2)).map(([value, style]) => {
  if (style === 0 && !value.includes("'")) return `'${value}'`;
  return style === 1 ? `"""\n${value.replaceAll("\\", "\\\\")}"""` : JSON.stringify(value);
});
const comment = fc.constantFrom("", "", "#! plain", '  #! "quoted', "#! [context.a]", "#! relay = 'x'");
const spaced = fc.constantFrom("=", " = ", "   =\t");
const line = (key: string) =>
  fc.tuple(spaced, quoted, comment).map(([is, value, note]) => `${key}${is}${value} ${note}`);
const table = fc.uniqueArray(name, { maxLength: 3 }).chain((names) =>
  fc.tuple(...names.map((name) =>
    fc.tuple(
      comment,
      fc.subarray(["relay", "timeout", "identity"]).chain((keys) => fc.tuple(...keys.map(line), comment)),
    ).map(([note, lines]) => [note, `[context.${name.includes(".") ? `"${name}"` : name}]`, ...lines])
  ))
);
const file = fc.tuple(fc.option(line("default_context")), comment, table, fc.constantFrom("\n", "\r\n"), fc.boolean())
  .map(([root, note, tables, end, closed]) =>
    [note, ...root === null ? [] : [root], "", ...tables.flat()].join(end) + (closed ? end : "")
  );
const change = fc.oneof(
  name.map(use),
  fc.tuple(name, text).map(([name, value]) => relay(name, value)),
);

Deno.test("whatever config.toml looks like, setting a value keeps every other line, in order", async () => {
  await fc.assert(
    fc.asyncProperty(file, change, async (before, change) => {
      const after = await changed(before, [change], "config.toml");
      let found: unknown = parse(after);
      for (const part of "set" in change ? change.set : []) found = (found as Record<string, unknown>)[part];
      assert.equal(found, "set" in change && change.value);
      // One place changed: what is before it and after it is the same, and every comment is there.
      const most = Math.max(before.length, after.length);
      let start = 0;
      while (start < most && before[start] === after[start]) start++;
      let end = 0;
      while (end < Math.min(before.length, after.length) - start && before.at(-1 - end) === after.at(-1 - end)) end++;
      const replaced = before.slice(start, before.length - end);
      assert.ok(replaced.length < 30, JSON.stringify({ before, after, replaced }));
      const comments = (toml: string) => [...toml.matchAll(/#![^\r\n]*/g)].map(String);
      assert.deepEqual(comments(after), comments(before));
    }),
    { seed: 20261121, numRuns: 1500 },
  );
});
