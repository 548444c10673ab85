/** Texts behind slash commands of a chat: answers, edits, words beside a file; over pipes. @module */
import assert from "node:assert/strict";
import { cast, row, type Running } from "./harness.ts";

const { ada, bob } = await cast("ada", "bob");

/** The next line of a chat that matches. */
async function shown(chat: Running, pattern: RegExp): Promise<string> {
  for (let line; (line = await chat.line()) !== null;) if (pattern.test(line)) return line;
  throw new assert.AssertionError({ message: `never saw ${pattern}: ${chat.stderr()}` });
}

row("/reply answers the newest line of the others, /reply -3 an older one; both sides see to what", async () => {
  await ada.run(["contact", "add", "bob", bob.id]);
  await bob.run(["contact", "add", "ada", ada.id]);
  const [a, b] = [ada, bob].map((person) => person.start(["repl"]));
  await a.write("@bob are you there?\n");
  await shown(b, /are you there/);
  await b.write("/dm ada\n/reply it's me, isn't it\n");
  assert.match(await shown(a, /isn't/), /bob {2}\(on you: are you there\?\) it's me, isn't it$/);
  await a.write("one more\n");
  await shown(b, /one more/);
  await b.write("/reply -3 yes\n");
  assert.match(await shown(a, /yes/), /\(on you: are you there\?\) yes$/);
  await b.write("/reply\n/reply -1\n/reply -99 too far\n");
  await b.seen(/It is \/reply/);
  await b.seen(/It is \/reply TEXT or \/reply -2 TEXT/);
  await b.seen(/There is no line -99 here/);
  for (const chat of [a, b]) await chat.closeStdin();
  assert.deepEqual([await a.ended, await b.ended], [0, 64]);
  const answers = (await ada.ok(["history", "--in", "bob", "--json"])).split("\n").map((line) => JSON.parse(line));
  const [first] = answers;
  const to = answers.filter(({ reply_to }) => reply_to === first.id).map(({ text }) => text);
  assert.deepEqual(to, ["it's me, isn't it", "yes"]);
});

row("regression: /edit and /send-file take their text as it was typed, apostrophes and all", async () => {
  const file = ada.file("plan.txt", "x");
  const lines = ["/dm me", "first", "/edit I don't know,  it's \"late\"", `/send-file ${file} it's here`];
  const { code, stderr } = await ada.run(["repl"], { stdin: lines.join("\n") });
  assert.equal(code, 0, stderr);
  const texts = (await ada.ok(["history", "--in", "me", "--json"])).split("\n").map((line) => JSON.parse(line).text);
  assert.deepEqual(texts, ["I don't know,  it's \"late\"", "it's here"]);
});
