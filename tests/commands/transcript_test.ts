/** `qight transcript`: a conversation as a file that shows whether somebody changed it. @module */
import assert from "node:assert/strict";
import { openBytes, sealBytes } from "../../crypto/vault.ts";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
let relay: RunningRelay;
type Member = Awaited<ReturnType<World["member"]>>;
let ada: Member, bob: Member;
const words = "correct horse";
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  [ada, bob] = await Promise.all(["ada", "bob"].map((name) => world.member(name, relay)));
  await ada.ok(["contact", "add", "bob", bob.id]);
  await bob.ok(["contact", "add", "ada", ada.id]);
  for (const person of [ada, bob]) person.file("words", `${words}\n`);
  await ada.ok(["send", "bob", "--lines"], { stdin: "one\ntwo\nthree\n" });
  await bob.ok(["fetch"]);
  await bob.ok(["send", "ada", "four", "-f", bob.file("a.txt", "abc")]);
  await ada.ok(["fetch", "--json"]);
  await ada.ok(["transcript", "export", "bob", "bob.transcript", "--passphrase-file", "words"]);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

const asked = ["--passphrase-file", "words"];

row(
  "export writes 0600 and over nothing; nothing of it can be read; verify says what is proven, without relay or key",
  async () => {
    assert.equal((await Deno.stat(ada.path("bob.transcript"))).mode! & 0o777, 0o600);
    assert.doesNotMatch(await Deno.readTextFile(ada.path("bob.transcript")), /three|qid1/);
    const again = await ada.run(["transcript", "export", "bob", "bob.transcript", ...asked, "--json"]);
    assert.deepEqual([again.code, errorOf(again).code], [73, "would_overwrite"]);
    const stranger = world.person("stranger");
    await Deno.copyFile(ada.path("bob.transcript"), stranger.path("bob.transcript"));
    stranger.file("words", words);
    const { code, stdout, stderr } = await stranger.run(["transcript", "verify", "bob.transcript", ...asked]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`^whole: 4 lines of ${bob.id}, written down by ${ada.id} \\(SHA256:\\S+\\) at 20`));
    assert.match(stderr, /Nothing was changed, dropped, moved or cut off/);
    const fields = JSON.parse(await stranger.ok(["transcript", "verify", "bob.transcript", ...asked, "--json"]));
    assert.deepEqual([fields.valid, fields.lines, fields.by, fields.in], [true, 4, ada.id, bob.id]);
  },
);

row("show prints the lines for people, and with --json as history does", async () => {
  const text = await ada.ok(["transcript", "show", "bob.transcript", ...asked]);
  assert.match(text, /^\S+Z {2}you {2}one\n.*\n.*\n\S+Z {2}bob {2}four\n {2}\[file\] a\.txt {2}3 bytes$/);
  const shown = (await ada.ok(["transcript", "show", "bob.transcript", ...asked, "--json"])).split("\n");
  assert.equal(shown.join("\n"), await ada.ok(["history", "--in", "bob", "--json"]));
});

/** The text inside, as somebody who has the passphrase can change it. */
async function forged(name: string, change: (lines: string[]) => void): Promise<string> {
  const plain = await openBytes(await Deno.readFile(ada.path("bob.transcript")), words);
  const lines = new TextDecoder().decode(plain).split("\n");
  change(lines);
  return ada.file(name, await sealBytes(new TextEncoder().encode(lines.join("\n")), words));
}

const attacks: readonly (readonly [what: string, change: (lines: string[]) => void, says: RegExp])[] = [
  ["changed", (lines) => lines[3] = lines[3].replace("two", "ten"), /line 3 was changed/],
  ["dropped", (lines) => lines.splice(3, 1), /line 3 is missing/],
  ["moved", (lines) => lines.splice(2, 2, lines[3], lines[2]), /line 2 stands behind line 3/],
  ["cut", (lines) => lines.splice(4), /it was cut off after line 3/],
];
for (const [what, change, says] of attacks) {
  row(
    `a transcript with a line ${what}, by somebody who knows the passphrase, is 65 and the line is named`,
    async () => {
      const path = await forged(`${what}.transcript`, change);
      for (const verb of ["verify", "show", "import"]) {
        const outcome = await ada.run(["transcript", verb, path, ...asked, "--json"]);
        assert.deepEqual([outcome.code, outcome.stdout, errorOf(outcome).code], [65, "", "bad_transcript"]);
        assert.match(errorOf(outcome).message, says);
      }
    },
  );
}

row("a flipped bit is 65, a wrong passphrase 77, a file that is none 65, no file 66", async () => {
  const bytes = await Deno.readFile(ada.path("bob.transcript"));
  bytes[bytes.length >> 1] ^= 1;
  ada.file("flipped", bytes);
  ada.file("other words", "not them\n");
  ada.file("text", "hello\n");
  const ends = async (path: string, file = "words") => {
    const outcome = await ada.run(["transcript", "verify", path, "--passphrase-file", file, "--json"]);
    return [outcome.code, errorOf(outcome).code];
  };
  assert.deepEqual(await ends("flipped"), [65, "bad_transcript"]);
  assert.deepEqual(await ends("bob.transcript", "other words"), [77, "wrong_passphrase"]);
  assert.deepEqual(await ends("text"), [65, "bad_transcript"]);
  assert.deepEqual(await ends("nowhere"), [66, "no_input"]);
});

row("import brings back what is not here, before what is, once; another account's transcript is refused", async () => {
  // The same account and device on a machine without the history.
  const moved = world.person("moved", { QIGHT_RELAY: relay.address });
  moved.file("words", words);
  moved.file("move.key", await ada.ok(["key", "export", "--with-device"]));
  await moved.ok(["key", "import", "move.key", "--no-publish"]);
  await Deno.copyFile(ada.path("bob.transcript"), moved.path("bob.transcript"));
  await moved.run(["repl"], { stdin: "@me newer\n" });
  const taken = JSON.parse(await moved.ok(["transcript", "import", "bob.transcript", ...asked, "--json"]));
  assert.deepEqual([taken.lines, taken.added], [4, 4]);
  const again = JSON.parse(await moved.ok(["transcript", "import", "bob.transcript", ...asked, "--json"]));
  assert.deepEqual([again.lines, again.added], [4, 0]);
  const lines = (await moved.ok(["history", "--json"])).split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ text }) => text), ["one", "two", "three", "four", "newer"]);
  assert.deepEqual(lines[3].files.map(({ name, size, kept }: Record<string, unknown>) => [name, size, kept]), [
    ["a.txt", 3, false],
  ]);
  assert.equal((await moved.ok(["history", "--search", "thr", "--json"])).split("\n").length, 1);
  await Deno.copyFile(ada.path("bob.transcript"), bob.path("ada.transcript"));
  const refused = await bob.run(["transcript", "import", "ada.transcript", ...asked, "--json"]);
  assert.deepEqual([refused.code, errorOf(refused).code], [77, "not_allowed"]);
});

row("export of nothing is 66, of nobody 67, and without a passphrase 64", async () => {
  const fails = async (...args: string[]) => {
    const outcome = await ada.run(["transcript", "export", ...args, "--json", "--no-input"]);
    return [outcome.code, errorOf(outcome).code];
  };
  assert.deepEqual(await fails("me", "me.transcript", ...asked), [66, "no_input"]);
  assert.deepEqual(await fails("nobody", "x.transcript", ...asked), [67, "no_such_contact"]);
  assert.deepEqual(await fails("bob", "x.transcript"), [64, "passphrase_needed"]);
});
