/** What is pasted into a chat: one message, however many lines it has, and nothing before Enter. @module */
import assert from "node:assert/strict";
import { type Meaning, Paste, withBreaks } from "../../cli/repl/paste.ts";
import { World } from "./harness.ts";
import { hasScript } from "./on_terminal.ts";
import { keys, TerminalSession } from "./terminal_session.ts";

/** The marks as Deno's readline tells them, and as Node's does. */
const marks = [
  ["Deno", (end: 0 | 1) => [[undefined, { sequence: `\u001b[20${end}` }], ["~", { sequence: "~" }]]],
  ["Node", (end: 0 | 1) => [[undefined, { name: end ? "paste-end" : "paste-start", sequence: `\u001b[20${end}~` }]]],
] as const;

function key(sign: string): [string, { name?: string; sequence: string; ctrl?: boolean }] {
  const name = { "\r": "return", "\n": "enter", "\t": "tab", "\u0003": "c" }[sign];
  return [sign, { sequence: sign, ...(name ? { name } : {}), ctrl: sign === "\u0003" }];
}

for (const [runtime, mark] of marks) {
  const rows: [pasted: string, sent: string | null][] = [
    ["one", "one"],
    ["one\r/quit\rtwo\r", "one\n/quit\ntwo"],
    ["one\r\n\r\ntwo", "one\n\ntwo"],
    ["\n\n  indented\n\ttabbed\n", "  indented\n\ttabbed"],
    ["a ~ b", "a ~ b"],
    ["bell\u0007 and \u009b31m", "bell and 31m"],
    ["\r\n", null],
    ["", null],
  ];
  for (const [pasted, sent] of rows) {
    Deno.test(`pasted (${runtime}): ${JSON.stringify(pasted)} is ${JSON.stringify(sent)}, and no key`, () => {
      const paste = new Paste();
      const all = [...mark(0), ...[...pasted].map(key), ...mark(1)] as Parameters<Paste["take"]>[];
      const meanings: Meaning[] = all.map((each) => paste.take(...each));
      const inserts = meanings.flatMap((one) => typeof one === "object" ? [withBreaks(one.insert)] : []);
      assert.deepEqual(inserts, sent === null ? [] : [sent]);
      assert.ok(!meanings.includes("key"));
      assert.equal(paste.take(...key("x")), "key", "keys are keys again");
    });
  }

  Deno.test(`^C in a paste without an end (${runtime}) gives the keyboard back`, () => {
    const paste = new Paste();
    for (const each of mark(0)) paste.take(...each as unknown as Parameters<Paste["take"]>);
    assert.equal(paste.take(...key("x")), "nothing");
    assert.equal(paste.take(...key("\u0003")), "key");
    assert.equal(paste.take(...key("y")), "key");
  });
}

Deno.test({
  name:
    "regression: a pasted text with /quit in a line is one message, sent by Enter, and the arrow key brings it back" +
    (hasScript ? "" : " (no script(1))"),
  ignore: !hasScript,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using world = new World();
    const relay = await world.relay();
    const [ada, bob] = await Promise.all(["ada", "bob"].map((name) => world.member(name, relay)));
    await ada.ok(["contact", "add", "bob", bob.id]);
    const pasted = "first\r/quit\r\tthird\r";
    {
      await using chat = TerminalSession.open(ada, ["repl", "--with", "bob"], { after: "echo over;" });
      await chat.seen(/to bob>/);
      await chat.type(`\u001b[200~${pasted}\u001b[201~`);
      await chat.seen(/> first⏎\/quit⏎ *third$/m);
      await chat.type("!", keys.enter, "after", keys.enter);
      await chat.seen(/> after$/m);
      await chat.type(keys.ctrlD);
      assert.equal(await chat.ended, 0, chat.screen.text());
      const [on, off] = [chat.raw.indexOf("\u001b[?2004h"), chat.raw.indexOf("\u001b[?2004l")];
      assert.ok(on >= 0 && off > on && chat.raw.indexOf("over") > off, "the terminal is left as it was");
    }
    {
      await using chat = TerminalSession.open(ada, ["repl", "--with", "bob"]);
      await chat.seen(/to bob>/);
      await chat.type(keys.up, keys.up);
      await chat.seen(/> @bob first⏎\/quit⏎ *third!$/m);
      await chat.type(keys.ctrlU, keys.ctrlD);
      assert.equal(await chat.ended, 0, chat.screen.text());
    }
    await ada.ok(["fetch"]);
    const texts = (await bob.ok(["fetch", "--json"])).split("\n").map((line) => JSON.parse(line).text);
    assert.deepEqual(texts, ["first\n/quit\n\tthird!", "after"]);
  },
});
