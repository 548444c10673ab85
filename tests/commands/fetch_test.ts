/** qight fetch: what comes out, when it is acknowledged, and how it ends. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { cliArguments, errorOf, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
let relay: RunningRelay;
let ada: Awaited<ReturnType<World["member"]>>;
let bob: Awaited<ReturnType<World["member"]>>;

Deno.test.beforeAll(async () => {
  relay = await world.relay();
  [ada, bob] = await Promise.all([world.member("ada", relay), world.member("bob", relay)]);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

const send = (...texts: string[]) => ada.ok(["send", bob.id, "--lines"], { stdin: texts.join("\n") });
const jsonLines = (text: string) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));

row("--json is one object a line with the fields of docs/operations.md", async () => {
  await send("one", "two");
  const messages = jsonLines(await bob.ok(["fetch", "--json"]));
  assert.equal(messages.length, 2);
  const [{ sent_at, received_at, id, seq, ...rest }] = messages;
  assert.deepEqual(rest, { type: "message", from: ada.id, to: bob.id, verified: true, text: "one", files: [] });
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(messages[1].seq, seq + 1);
  for (const time of [sent_at, received_at]) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

row("an empty mailbox is exit 0 and no output; with --fail-empty 66", async () => {
  const empty = await bob.run(["fetch"]);
  assert.deepEqual([empty.code, empty.stdout, empty.stderr], [0, "", ""]);
  const failed = await bob.run(["fetch", "--fail-empty", "--json"]);
  assert.equal(failed.code, 66);
  assert.equal(errorOf(failed).code, "nothing_to_fetch");
});

row("--wait on an empty mailbox ends by itself; a message that comes meanwhile ends it early", async () => {
  const before = performance.now();
  assert.equal(await bob.ok(["fetch", "--wait", "1s"]), "");
  assert.ok(performance.now() - before >= 1000);
  const waiting = bob.start(["fetch", "--wait", "30s", "--json"]);
  await send("at last");
  assert.equal(JSON.parse((await waiting.line())!).text, "at last");
  assert.equal(await waiting.ended, 0);
});

row("--peek shows and leaves: no mark, no acknowledgement", async () => {
  await send("still here");
  const first = await bob.ok(["fetch", "--peek", "--json"]);
  assert.equal(await bob.ok(["fetch", "--peek", "--json"]), first);
  assert.equal(JSON.parse(await bob.ok(["fetch", "--json"])).redelivered, undefined);
  assert.equal(await bob.ok(["fetch", "--peek"]), "");
});

row("--max ends after that many, the rest stays", async () => {
  await send("1", "2", "3");
  assert.deepEqual(jsonLines(await bob.ok(["fetch", "--json", "--max", "2"])).map(({ text }) => text), ["1", "2"]);
  assert.deepEqual(jsonLines(await bob.ok(["fetch", "--json"])).map(({ text }) => text), ["3"]);
  for (const max of ["0", "-1", "x", "1.5"]) assert.equal((await bob.run(["fetch", `--max=${max}`])).code, 64);
});

row("--from reads one person's messages and leaves the others untouched", async () => {
  const carl = await world.member("carl", relay);
  await send("by ada");
  await carl.ok(["send", bob.id, "by carl"]);
  assert.deepEqual(jsonLines(await bob.ok(["fetch", "--json", "--from", carl.id])).map(({ text }) => text), [
    "by carl",
  ]);
  const waited = bob.start(["fetch", "--json", "--from", carl.id, "--wait", "20s"]);
  await carl.ok(["send", bob.id, "carl again"]);
  assert.equal(JSON.parse((await waited.line())!).text, "carl again");
  assert.equal(await waited.ended, 0, "it ends although a message of ada's is there");
  assert.deepEqual(jsonLines(await bob.ok(["fetch", "--json"])).map(({ text }) => text), ["by ada"]);
});

row("--follow prints as messages come, --idle ends it, SIGINT ends it with 130", async () => {
  const idle = bob.start(["fetch", "--follow", "--idle", "2s", "--json"]);
  await send("a");
  assert.equal(JSON.parse((await idle.line())!).text, "a");
  assert.equal(await idle.ended, 0);
  const following = bob.start(["fetch", "--follow", "--json"]);
  await send("b");
  assert.equal(JSON.parse((await following.line())!).text, "b");
  await send("c");
  assert.equal(JSON.parse((await following.line())!).text, "c");
  following.signal("SIGINT");
  assert.equal(await following.ended, 130);
  assert.equal(await bob.ok(["fetch"]), "", "what was printed is acknowledged");
});

row("text output indents later lines and shows steering characters, JSON keeps their value", async () => {
  const evil = "osc \u001b]52;c;AAAA\u0007 csi \u009b31m bidi \u202e end\nnext\ttab";
  await ada.ok(["send", bob.id], { stdin: evil });
  const text = await bob.run(["fetch", "--peek"]);
  // deno-lint-ignore no-control-regex
  assert.ok(!/[\u001b\u0007\u009b\u202e]/.test(text.stdout), text.stdout);
  assert.match(text.stdout, /osc \\u001b\]52;c;AAAA\\u0007 csi \\u009b31m bidi \\u202e end\n {2}next\ttab\n$/);
  const json = await bob.run(["fetch", "--json"]);
  // deno-lint-ignore no-control-regex
  assert.ok(!/[\u001b\u0007\u009b\u202e]/.test(json.stdout));
  assert.equal(JSON.parse(json.stdout).text, evil);
});

row("--null ends each body with NUL: bodies with newlines arrive as one record", async () => {
  await ada.ok(["send", bob.id], { stdin: "two\nlines" });
  await ada.ok(["send", bob.id], { stdin: "one" });
  const { bytes } = await bob.run(["fetch", "--null"]);
  assert.equal(new TextDecoder().decode(bytes), "two\nlines\0one\0");
});

row("--save-dir writes files under safe names and overwrites nothing", async () => {
  const folder = bob.path("saved");
  Deno.mkdirSync(folder);
  Deno.writeTextFileSync(join(folder, "report.txt"), "mine");
  const report = ada.file("report.txt", "theirs");
  await ada.ok(["send", bob.id, "see", "-f", report, "-f", ada.file(".hidden", "h")]);
  const { files } = JSON.parse(await bob.ok(["fetch", "--json", "--save-dir", folder]));
  assert.deepEqual(files.map(({ path }: { path: string }) => path), [
    join(folder, "report (1).txt"),
    join(folder, "hidden"),
  ]);
  assert.equal(files[0].data, undefined);
  assert.equal(Deno.readTextFileSync(join(folder, "report.txt")), "mine");
  assert.equal(Deno.readTextFileSync(files[0].path), "theirs");
  assert.equal(Deno.statSync(files[0].path).mode! & 0o777, 0o600);
});

row("regression: a message with files is not acknowledged by a fetch that writes them nowhere", async () => {
  await ada.ok(["send", bob.id, "see file", "-f", ada.file("kept.txt", "kept")]);
  const plain = await bob.run(["fetch"]);
  assert.match(plain.stdout, /see file/);
  assert.match(plain.stderr, /1 file .* kept at the relay until fetched with --save-dir/);
  const exec = await bob.run(["fetch", "--exec", "--", "sh", "-c", "echo ran >&2; cat >/dev/null"]);
  assert.equal(exec.code, 0, exec.stderr);
  assert.ok(!exec.stderr.includes("ran"), exec.stderr);
  const folder = bob.path("kept");
  Deno.mkdirSync(folder);
  await bob.ok(["fetch", "--save-dir", folder]);
  assert.equal(Deno.readTextFileSync(join(folder, "kept.txt")), "kept");
  assert.equal(await bob.ok(["fetch"]), "");
});

row("a folder that cannot be written is 73, and the message comes again", async () => {
  await ada.ok(["send", bob.id, "-f", ada.file("f.txt", "x")]);
  const outcome = await bob.run(["fetch", "--json", "--save-dir", join(bob.file("afile", ""), "x")]);
  assert.equal(outcome.code, 73);
  assert.equal(outcome.stdout, "");
  assert.equal(jsonLines(await bob.ok(["fetch", "--json"])).length, 1);
});

row("--exec runs the command for each message: body on stdin, fields in the environment, no shell", async () => {
  await send("$(touch pwned) `id` ; x", "second");
  const script = bob.file(
    "on-message",
    '#!/bin/sh\nprintf "%s|%s|%s|%s|%s|" "$QIGHT_ID" "$QIGHT_FROM" "$QIGHT_TO" "$QIGHT_SEQ" "$QIGHT_SENT_AT"\ncat\necho\n',
    0o700,
  );
  const lines = (await bob.ok(["fetch", "--exec", "--", script])).split("\n");
  assert.equal(lines.length, 2);
  const [id, from, to, seq, sentAt, body] = lines[0].split("|");
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.deepEqual([from, to, body], [ada.id, bob.id, "$(touch pwned) `id` ; x"]);
  assert.ok(Number(seq) > 0 && Date.parse(sentAt) > 0);
  assert.equal(await bob.ok(["fetch"]), "");
});

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

row("--exec of a command that is not there is 74, and the message stays", async () => {
  await send("kept");
  assert.equal((await bob.run(["fetch", "--exec", "--", "/nonexistent/command"])).code, 74);
  assert.match(await bob.ok(["fetch"]), /kept/);
});

row("fetch | head -1 is quiet, acknowledges what went through, and keeps the rest", async () => {
  const big = "x".repeat(3000);
  await send(...Array.from({ length: 100 }, (_, at) => `${at} ${big}`));
  const piped = new Deno.Command("sh", {
    args: ["-c", '"$@" | head -1', "sh", Deno.execPath(), ...cliArguments(), "fetch", "--json"],
    env: bob.env,
    clearEnv: true,
    cwd: bob.home,
  }).outputSync();
  assert.equal(new TextDecoder().decode(piped.stderr), "");
  assert.match(JSON.parse(new TextDecoder().decode(piped.stdout)).text, /^0 x/);
  const rest = jsonLines(await bob.ok(["fetch", "--json"]));
  assert.ok(rest.length > 0 && rest.length < 100, `${rest.length} left`);
  assert.match(rest.at(-1).text, /^99 x/);
});

row("a message survives a restart of the relay between send and fetch", async () => {
  const first = await world.relay({ name: "restarted" });
  const [carl, dora] = await Promise.all([world.member("carl5", first), world.member("dora5", first)]);
  await carl.ok(["send", dora.id, "before the restart"]);
  first.process.signal("SIGKILL");
  await first.process.ended;
  const second = await world.relay({ name: "restarted", port: first.port });
  assert.match(await dora.ok(["fetch"]), /before the restart/);
  assert.equal(await second.stop(), 0);
});

row("a newer fetch ends the older one with 75 lease_lost", async () => {
  const older = bob.start(["fetch", "--follow", "--json"]);
  await send("to the older");
  assert.equal(JSON.parse((await older.line())!).text, "to the older");
  await bob.ok(["fetch"]);
  assert.equal(await older.ended, 75, older.stderr());
  assert.match(older.stderr(), /"lease_lost"/);
});

const usages = [["word"], ["--exec"], ["--exec", "--peek", "--", "cat"], ["--wait", "5"], ["--from", "nobody"]];
for (const args of usages) {
  row(`fetch ${args.join(" ")} is 64`, async () => assert.equal((await bob.run(["fetch", ...args])).code, 64));
}
