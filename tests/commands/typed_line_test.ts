/** What a typed line means, over all lines. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { quoted, splitWords, textBehind, understand } from "../../cli/repl/typed_line.ts";

Deno.test("a line that begins with one slash is never a message, whatever follows", () => {
  fc.assert(fc.property(fc.string().filter((rest) => !rest.startsWith("/")), (rest) => {
    assert.notEqual(understand(`/${rest}`).kind, "message");
  }));
});

Deno.test("a doubled slash sends the rest with one slash, exactly", () => {
  fc.assert(fc.property(fc.string(), (rest) => {
    assert.deepEqual(understand(`//${rest}`), { kind: "message", text: `/${rest}` });
  }));
});

Deno.test("plain text is sent exactly as it was typed", () => {
  fc.assert(fc.property(fc.string().filter((text) => text.trim() !== "" && !/^[/@#]/.test(text)), (text) => {
    assert.deepEqual(understand(text), { kind: "message", text });
  }));
});

Deno.test("a word that TAB wrote is read back as that word", () => {
  fc.assert(fc.property(fc.array(fc.string({ minLength: 1 }), { maxLength: 5 }), (words) => {
    assert.deepEqual(splitWords(words.map(quoted).join("  ")).words, words);
  }));
});

for (
  const [line, meant] of [
    ["@bob hello  there", { kind: "message", to: "bob", text: "hello  there" }],
    ["@bob", { kind: "message", to: "bob", text: "" }],
    ["@ bob", { kind: "message", text: "@ bob" }],
    ["#team hello", { kind: "group", name: "team", text: "hello" }],
    ["#team", { kind: "group", name: "team", text: "" }],
    ["# heading", { kind: "message", text: "# heading" }],
    ["   ", { kind: "nothing" }],
    ["/DM 'a b'", { kind: "command", name: "dm", words: ["a b"], typed: "DM 'a b'" }],
    ["/", { kind: "command", name: "", words: [], typed: "" }],
  ] as const
) {
  Deno.test(`"${line}" is a ${meant.kind}`, () => assert.deepEqual(understand(line), meant));
}

for (
  const [typed, words, text] of [
    ["edit I don't know, it's late", 1, "I don't know, it's late"],
    ['edit  -2   two  spaces "and quotes"', 2, 'two  spaces "and quotes"'],
    ["send-file 'a file' it's here ", 2, "it's here"],
    ["edit one\ntwo", 1, "one\ntwo"],
    ["report", 1, ""],
    ["report -2", 2, ""],
  ] as const
) {
  Deno.test(`regression: behind ${words} words of ${JSON.stringify(typed)} stands ${JSON.stringify(text)}`, () => {
    assert.equal(textBehind(typed, words), text);
  });
}
