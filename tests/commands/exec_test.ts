/** qight fetch --exec: a command for each message, what it gets, and what its end means. @module */
import assert from "node:assert/strict";
import { cast, errorOf, row } from "./harness.ts";

const { world, relay, ada, bob } = await cast("ada", "bob");

const send = (...texts: string[]) => ada.ok(["send", bob.id, "--lines"], { stdin: texts.join("\n") });
const jsonLines = (text: string) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));

row(
  "expectation 11: --exec runs the command for each message: body on stdin, fields in the environment, no shell",
  async () => {
    await send("$(touch pwned) `id` ; x", "second");
    const script = bob.file(
      "on-message",
      '#!/bin/sh\nprintf "%s|%s|%s|%s|%s|" "$QIGHT_ID" "$QIGHT_FROM" "$QIGHT_TO" "$QIGHT_SEQ" "$QIGHT_SENT_AT"\n' +
        'cat\necho " $1"\n',
      0o700,
    );
    const lines = (await bob.ok(["fetch", "--exec", "--", script, "$(id);--json"])).split("\n");
    assert.equal(lines.length, 2);
    const [id, from, to, seq, sentAt, body] = lines[0].split("|");
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.deepEqual([from, to, body], [ada.id, bob.id, "$(touch pwned) `id` ; x $(id);--json"]);
    assert.ok(Number(seq) > 0 && Date.parse(sentAt) > 0);
    assert.equal(await bob.ok(["fetch"]), "");
  },
);

row("--exec that fails is 74: it stops, and from there on nothing is acknowledged", async () => {
  await send("good", "bad", "after");
  const args = ["fetch", "--exec", "--json", "--", "sh", "-c", 'read -r x; [ "$x" != bad ]'];
  const outcome = await bob.run(args);
  assert.equal(outcome.code, 74);
  assert.equal(errorOf(outcome).code, "exec_failed");
  const rest = jsonLines(await bob.ok(["fetch", "--json"]));
  assert.deepEqual(rest.map(({ text, redelivered }) => [text, redelivered ?? false]), [["bad", true], [
    "after",
    false,
  ]]);
});

row("regression: a command after --exec without -- is told of the --, not of its own options", async () => {
  const { code, stderr } = await bob.run(["fetch", "--exec", "sh", "-c", "cat >> it's.txt"]);
  assert.equal(code, 64);
  assert.match(stderr, /The -- between --exec and its command is missing/);
  assert.ok(stderr.includes("qight fetch --exec -- sh -c 'cat >> it'\\''s.txt'\n"), stderr);
});

row("--exec of a command that is not there is 74, and the message stays", async () => {
  await send("kept");
  assert.equal((await bob.run(["fetch", "--exec", "--", "/nonexistent/command"])).code, 74);
  assert.match(await bob.ok(["fetch"]), /kept/);
});

row("QIGHT_FROM_NAME is the sender's contact name, and empty for a stranger whatever was inherited", async () => {
  await bob.ok(["contact", "add", "ada", ada.id]);
  const eve = await world.member("eve", relay);
  await send("by a contact");
  await eve.ok(["send", bob.id, "by a stranger"]);
  const env = { QIGHT_FROM_NAME: "operator" };
  const shown = await bob.ok(["fetch", "--exec", "--", "sh", "-c", 'echo "<$QIGHT_FROM_NAME> $(cat)"'], { env });
  assert.deepEqual(shown.split("\n"), ["<ada> by a contact", "<> by a stranger"]);
});

/** A command that says its message and ends with the code that `release` hands it. */
async function held(...names: string[]) {
  for (const name of names) {
    const made = await new Deno.Command("mkfifo", { args: [bob.path(`${name}.end`)] }).output();
    assert.ok(made.success);
  }
  const script = 'body=$(cat); echo "begins $body"; read -r code < "$HOME/$body.end"; echo "ends $body"; exit "$code"';
  return {
    args: ["--", "sh", "-c", script],
    release: (name: string, code: number) => Deno.writeTextFile(bob.path(`${name}.end`), `${code}\n`),
  };
}

row(
  "--jobs 2 runs two at once; when one fails the others end, nothing new begins, and each speaks for itself",
  async () => {
    const { args, release } = await held("a", "b", "c", "d");
    await send("a", "b", "c", "d");
    const running = bob.start(["fetch", "--exec", "--jobs", "2", "--json", ...args]);
    assert.deepEqual([await running.line(), await running.line()].sort(), ["begins a", "begins b"]);
    await release("a", 0);
    assert.deepEqual([await running.line(), await running.line()], ["ends a", "begins c"]);
    await release("b", 3);
    assert.equal(await running.line(), "ends b");
    await release("c", 0);
    assert.equal(await running.line(), "ends c");
    assert.equal(await running.ended, 74, running.stderr());
    assert.equal(await running.line(), null, "d has not begun");
    assert.match(running.stderr(), /sh exited with 3/);
    assert.deepEqual(jsonLines(await bob.ok(["fetch", "--json"])).map(({ text }) => text), ["b", "d"]);
  },
);

row("without --jobs one command ends before the next begins, also of messages that come later", async () => {
  const { args, release } = await held("e", "f", "g");
  await send("e");
  const running = bob.start(["fetch", "--follow", "--max", "3", "--exec", ...args]);
  assert.equal(await running.line(), "begins e");
  await send("f", "g");
  for (const [name, next] of [["e", "f"], ["f", "g"], ["g", null]] as const) {
    await release(name, 0);
    assert.deepEqual([await running.line(), await running.line()], [`ends ${name}`, next && `begins ${next}`]);
  }
  assert.equal(await running.ended, 0, running.stderr());
  assert.equal(await bob.ok(["fetch"]), "");
});

row("--follow --jobs: a slow command holds up no message that comes after it", async () => {
  const { args, release } = await held("slow", "quick", "last");
  await send("slow");
  const running = bob.start(["fetch", "--follow", "--max", "3", "--jobs", "2", "--exec", ...args]);
  assert.equal(await running.line(), "begins slow");
  await send("quick");
  assert.equal(await running.line(), "begins quick");
  await release("quick", 0);
  assert.equal(await running.line(), "ends quick");
  await send("last");
  assert.equal(await running.line(), "begins last");
  await release("last", 0);
  assert.equal(await running.line(), "ends last");
  await release("slow", 0);
  assert.equal(await running.line(), "ends slow");
  assert.equal(await running.ended, 0, running.stderr());
  assert.equal(await bob.ok(["fetch"]), "");
});

row("a relay that restarts while the last command runs has the acknowledgement all the same", async () => {
  const shaky = await world.relay({ name: "shaky" });
  const { args, release } = await held("meanwhile");
  await bob.ok(["key", "gen", "--no-passphrase", "--identity", bob.path("second.key")]);
  const env = { QIGHT_RELAY: shaky.address, QIGHT_IDENTITY: bob.path("second.key") };
  const id = await bob.ok(["whoami"], { env });
  await bob.ok(["fetch"], { env });
  await bob.ok(["send", id.split(/\s/)[0], "meanwhile"], { env });
  const running = bob.start(["fetch", "--exec", ...args], { env });
  assert.equal(await running.line(), "begins meanwhile");
  assert.equal(await shaky.stop(), 0);
  const back = await world.relay({ name: "shaky", port: shaky.port });
  await release("meanwhile", 0);
  assert.equal(await running.ended, 0, running.stderr());
  assert.equal(await bob.ok(["fetch"], { env }), "");
  await back.stop();
});

const usages = [
  ["--jobs", "2"],
  ["--exec", "--jobs", "0", "--", "true"],
  ["--exec", "--jobs", "65", "--", "true"],
  ["--exec", "--jobs", "two", "--", "true"],
];
for (const args of usages) {
  row(`fetch ${args.join(" ")} is 64`, async () => assert.equal((await bob.run(["fetch", ...args])).code, 64));
}
