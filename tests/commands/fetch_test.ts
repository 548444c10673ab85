/** qight fetch: what comes out, when it is acknowledged, and how it ends. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { cast, cliArguments, errorOf, row } from "./harness.ts";

const { world, relay, ada, bob } = await cast("ada", "bob");

const send = (...texts: string[]) => ada.ok(["send", bob.id, "--lines"], { stdin: texts.join("\n") });
const jsonLines = (text: string) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));

row("expectation 4: --json is one object a line with the fields of docs/operations.md", async () => {
  await send("one", "two");
  const printed = (await bob.run(["fetch", "--json"])).stdout;
  assert.equal(printed.split("\n").length - 1, 2, "as many line ends as messages");
  const messages = jsonLines(printed);
  assert.equal(messages.length, 2);
  const [{ sent_at, received_at, id, seq, ...rest }] = messages;
  const fields = { from: ada.id, to: bob.id, in: ada.id, via: "mls", verified: true, text: "one", files: [] };
  assert.deepEqual(rest, { type: "message", ...fields });
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(messages[1].seq, seq + 1);
  for (const time of [sent_at, received_at]) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

row("expectation 2: remarks go to stderr, and stdout parses as JSON however much is said", async () => {
  await bob.ok(["fetch"]);
  await ada.ok(["send", bob.id, "with a file", "-f", ada.file("remark.txt", "x")]);
  await ada.ok(["send", bob.id, "quiet"]);
  const text = await bob.run(["fetch", "--peek", "-vv"]);
  assert.equal(text.stdout.split("\n").length - 1, 3, text.stdout);
  const remarked = await bob.run(["fetch", "-vv"]);
  assert.match(remarked.stderr, /kept at the relay/);
  const json = await bob.run(["fetch", "--json", "-vv"]);
  assert.deepEqual(jsonLines(json.stdout).map(({ text }) => text), ["with a file"]);
  const refused = await bob.run(["fetch", "--fail-empty", "--json"]);
  assert.deepEqual([refused.code, refused.stdout], [66, ""]);
});

row("an empty mailbox is exit 0 and no output; with --fail-empty 66", async () => {
  const empty = await bob.run(["fetch"]);
  assert.deepEqual([empty.code, empty.stdout, empty.stderr], [0, "", ""]);
  const failed = await bob.run(["fetch", "--fail-empty", "--json"]);
  assert.equal(failed.code, 66);
  assert.equal(errorOf(failed).code, "nothing_to_fetch");
});

row("expectation 8: --wait 2s on an empty mailbox is no stdout and exit 0, with --fail-empty 66", async () => {
  const before = performance.now();
  const [waited, failed] = await Promise.all([
    ada.run(["fetch", "--wait", "2s"]),
    bob.run(["fetch", "--wait", "2s", "--fail-empty"]),
  ]);
  assert.deepEqual([waited.code, waited.stdout, failed.code, failed.stdout], [0, "", 66, ""]);
  assert.ok(performance.now() - before >= 2000);
});

row("a message that comes meanwhile ends a --wait early", async () => {
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

row("expectation 8: --max ends after that many, the rest stays", async () => {
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

row("expectation 8: --follow prints as messages come, --idle ends it, SIGINT ends it with 130", async () => {
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

row(
  "expectation 6: text output indents later lines and shows steering characters, JSON keeps their value",
  async () => {
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
  },
);

row("expectation 5: --null ends each body with NUL: bodies with newlines arrive as one record", async () => {
  await ada.ok(["send", bob.id], { stdin: "two\nlines" });
  await ada.ok(["send", bob.id], { stdin: "one" });
  const { bytes } = await bob.run(["fetch", "--null"]);
  assert.equal(new TextDecoder().decode(bytes), "two\nlines\0one\0");
});

row("regression: a NUL in a body makes no second record of --null: that message stays at the relay", async () => {
  await ada.ok(["send", bob.id], { stdin: "harmless\0rm -rf /" });
  await ada.ok(["send", bob.id, "good"]);
  for (const args of [["--peek"], []]) {
    const { code, stdout, stderr } = await bob.run(["fetch", "--null", ...args]);
    assert.deepEqual([code, stdout], [0, "good\0"]);
    assert.match(stderr, /^[0-9a-f]{32} has a NUL in its body: kept at the relay until fetched without --null\n$/);
  }
  const json = await bob.run(["fetch", "--json", "--null"]);
  assert.equal(JSON.parse(json.stdout.replace("\0", "")).text, "harmless\0rm -rf /");
  assert.equal(await bob.ok(["fetch"]), "");
});

row("regression: --wait and --idle of a month wait, and do not end at once", async () => {
  const looking = bob.start(["fetch", "--peek", "--follow", "--idle", "30d", "--json"]);
  await send("after a while");
  assert.equal(JSON.parse((await looking.line())!).text, "after a while");
  looking.signal("SIGINT");
  assert.equal(await looking.ended, 130);
  await bob.ok(["fetch"]);
  const waiting = bob.start(["fetch", "--json", "--from", ada.id, "--wait", "30d"]);
  await send("still later");
  assert.equal(JSON.parse((await waiting.line())!).text, "still later");
  assert.equal(await waiting.ended, 0);
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
  assert.match(await bob.ok(["fetch"]), / \(again\) {2}see file/, "it was shown before");
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

row("regression: a file that cannot be written whole is 74, leaves nothing behind, and comes again", async () => {
  await ada.ok(["send", bob.id, "big", "-f", ada.file("big.bin", new Uint8Array(1000))]);
  const full = bob.file(
    "full_disk.js",
    "const write = Deno.FsFile.prototype.write;\n" +
      "Deno.FsFile.prototype.write = async function (bytes) {\n" +
      "  if (bytes.length !== 1000) throw new Error('No space left on device (os error 28)');\n" +
      "  return await write.call(this, bytes.subarray(0, 400));\n};\n",
  );
  const folder = bob.path("full");
  const outcome = await bob.run(["fetch", "--json", "--save-dir", folder], { preload: full });
  assert.deepEqual([outcome.code, outcome.stdout, errorOf(outcome).code], [74, "", "io"]);
  assert.match(errorOf(outcome).message, /big\.bin: No space left/);
  assert.deepEqual([...Deno.readDirSync(folder)], []);
  await bob.ok(["fetch", "--save-dir", folder]);
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["big.bin"]);
});

row("expectation 47: fetch | head -1 is quiet, acknowledges what went through, and keeps the rest", async () => {
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

for (
  const args of [["help"], ["version"], ["fetch"], ["fetch", "--null"], ["fetch", "--follow"], ["whoami", "--json"]]
) {
  row(`expectation 47: ${args.join(" ")} into a pipe that nobody reads ends quietly`, async () => {
    await send("x".repeat(70_000), "y".repeat(70_000));
    const piped = await new Deno.Command("sh", {
      args: ["-c", '"$@" | true', "sh", Deno.execPath(), ...cliArguments(), ...args],
      env: bob.env,
      clearEnv: true,
      cwd: bob.home,
    }).output();
    assert.deepEqual([piped.code, new TextDecoder().decode(piped.stderr)], [0, ""]);
    await bob.ok(["fetch"]);
  });
}

row("a message survives a restart of the relay between send and fetch", async () => {
  const first = await world.relay({ name: "restarted" });
  const [carl, dora] = await Promise.all([world.member("carl5", first), world.member("dora5", first)]);
  await carl.ok(["send", dora.id, "before the restart"]);
  first.process.signal("SIGKILL");
  assert.equal(await first.process.ended, 137);
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

const usages = [["word"], ["--exec"], ["--exec", "--peek", "--", "cat"], ["--wait", "5"], ["--from", "no body"]];
for (const args of usages) {
  row(`fetch ${args.join(" ")} is 64`, async () => assert.equal((await bob.run(["fetch", ...args])).code, 64));
}
