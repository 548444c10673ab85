/** qight send: where messages come from, and what each failure leaves behind. @module */
import assert from "node:assert/strict";
import { cast, cliArguments, errorOf, row } from "./harness.ts";

const { world, ada, bob } = await cast("ada", "bob");

const read = async (...args: string[]) =>
  (await bob.ok(["fetch", "--json", ...args])).split("\n").filter(Boolean).map((line) => JSON.parse(line));

row("expectation 9: argument, stdin, and - give the same message, and a file on stdin too", async () => {
  await ada.ok(["send", bob.id, "hi"]);
  await ada.ok(["send", bob.id], { stdin: "hi\n" });
  await ada.ok(["send", bob.id, "-"], { stdin: "hi" });
  await ada.ok(["pub", bob.id], { stdin: "hi\r\n" });
  assert.deepEqual((await read()).map(({ text }) => text), ["hi", "hi", "hi", "hi"]);
});

row("expectation 10: empty stdin never hangs or sends: 64", async () => {
  for (const args of [[], ["-"], [""]]) {
    const outcome = await ada.run(["send", bob.id, "--json", ...args], { stdin: "" });
    assert.equal(outcome.code, 64);
    assert.equal(errorOf(outcome).code, "empty_message");
    assert.match(errorOf(outcome).message, /message is empty/);
  }
  assert.deepEqual(await read(), []);
});

row("--json is one object with id, to, via, seq, queued, expires_at and receipt", async () => {
  const sent = JSON.parse(await ada.ok(["send", bob.id, "--json", "--ttl", "1h", "shape"]));
  assert.deepEqual(Object.keys(sent), ["id", "to", "via", "seq", "queued", "expires_at", "receipt"]);
  assert.match(sent.id, /^[0-9a-f]{32}$/);
  assert.equal(sent.to, bob.id);
  assert.equal(sent.queued, false);
  assert.ok(Math.abs(Date.parse(sent.expires_at) - Date.now() - 3600_000) < 60_000, sent.expires_at);
  assert.equal((await read())[0].seq, sent.seq);
});

row("text that is no UTF-8 arrives as data, byte for byte", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  await ada.ok(["send", bob.id], { stdin: bytes });
  const [message] = await read();
  assert.equal(message.text, undefined);
  assert.deepEqual(Uint8Array.fromBase64(message.data), bytes);
});

row("-f attaches files with name, size and hash; no MESSAGE is needed and stdin is not read", async () => {
  const paths = [ada.file("a.txt", "alpha"), ada.file("b.bin", Uint8Array.of(0, 255))];
  await ada.ok(["send", bob.id, "-f", paths[0], "-f", paths[1]]);
  const [{ text, files }] = await read();
  assert.equal(text, "");
  assert.deepEqual(files.map(({ name, size }: { name: string; size: number }) => [name, size]), [["a.txt", 5], [
    "b.bin",
    2,
  ]]);
  assert.equal(new TextDecoder().decode(Uint8Array.fromBase64(files[0].data)), "alpha");
  assert.equal(files[0].sha256, "8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8");
});

row("--reply-to arrives as reply_to", async () => {
  const id = await ada.ok(["send", bob.id, "question"]);
  await ada.ok(["send", bob.id, "answer", "--reply-to", id]);
  assert.equal((await read())[1].reply_to, id);
});

row("--plaintext is readable and never verified; the default and --sealed are", async () => {
  await ada.ok(["send", bob.id, "open", "--plaintext"]);
  await ada.ok(["send", bob.id, "closed", "--sealed"]);
  await ada.ok(["send", bob.id, "default"]);
  assert.deepEqual((await read()).map(({ text, verified }) => [text, verified]), [
    ["open", false],
    ["closed", true],
    ["default", true],
  ]);
});

row("a 64 hex digit id means the same account as its qid1", async () => {
  const { parseAccountId } = await import("../../crypto/account.ts");
  await ada.ok(["send", parseAccountId(bob.id).toHex(), "by hash"]);
  await ada.ok(["send", bob.id.toUpperCase(), "by capitals"]);
  assert.deepEqual((await read()).map(({ text }) => text), ["by hash", "by capitals"]);
});

row("the same --id with the same MESSAGE sends the same bytes again: same seq, read once", async () => {
  const id = "00112233445566778899aabbccddeeff";
  const first = JSON.parse(await ada.ok(["send", bob.id, "once", "--id", id, "--json"]));
  const again = JSON.parse(await ada.ok(["send", bob.id, "once", "--id", id, "--json"]));
  const bare = JSON.parse(await ada.ok(["send", bob.id, "--id", id, "--json"], { stdin: "" }));
  assert.equal(first.id, id);
  assert.deepEqual([again.seq, bare.seq], [first.seq, first.seq]);
  assert.equal((await read()).length, 1);
  const other = await ada.run(["send", bob.id, "another", "--id", id, "--json"]);
  assert.equal(other.code, 64);
  assert.equal(errorOf(other).code, "id_reused");
});

row("--id of an unknown message without MESSAGE is 66", async () => {
  const outcome = await ada.run(["send", bob.id, "--id", "f".repeat(32), "--json"], { stdin: "" });
  assert.equal(outcome.code, 66);
});

row("send --queue without a relay there exits 0 with the id; a later command sends it, in order", async () => {
  const gone = await world.relay({ name: "gone" });
  const [carl, dora] = await Promise.all([world.member("carl", gone), world.member("dora", gone)]);
  assert.equal(await gone.stop(), 0);
  const ids: string[] = [];
  for (const text of ["first", "second"]) {
    const queued = JSON.parse(await carl.ok(["send", dora.id, "--queue", "--json", "--timeout", "2s", text]));
    assert.equal(queued.queued, true);
    assert.equal(queued.seq, null);
    ids.push(queued.id);
  }
  const back = await world.relay({ name: "gone", port: gone.port });
  assert.equal(back.address, gone.address);
  ids.push(await carl.ok(["send", dora.id, "third"]));
  const got = (await dora.ok(["fetch", "--json"])).split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(got.map(({ id }) => id), ids);
  assert.equal(await back.stop(), 0);
});

row("a send that fails for sure leaves nothing queued", async () => {
  const gone = await world.relay({ name: "sure" });
  const [carl, dora] = await Promise.all([world.member("carl2", gone), world.member("dora2", gone)]);
  await gone.stop();
  assert.equal((await carl.run(["send", dora.id, "lost", "--timeout", "2s"])).code, 69);
  const back = await world.relay({ name: "sure", port: gone.port });
  await carl.ok(["send", dora.id, "kept"]);
  assert.match(await dora.ok(["fetch"]), /kept/);
  assert.equal(await dora.ok(["fetch"]), "");
  await back.stop();
});

row("--lines sends 1,000 lines in order, prints each id in input order, and passes over empty ones", async () => {
  const lines = Array.from({ length: 1000 }, (_, at) => `line ${at} ${"é".repeat(at % 50)}`);
  const ids = (await ada.ok(["send", bob.id, "--lines"], { stdin: lines.join("\n") + "\n\n\r\nlast" })).split("\n");
  assert.equal(ids.length, 1001);
  assert.equal(new Set(ids).size, 1001);
  const got = await read();
  assert.deepEqual(got.map(({ text }) => text), [...lines, "last"]);
  assert.deepEqual(got.map(({ id }) => id), ids);
});

row("expectation 47: send --lines | head -1 is quiet, and what was printed has arrived", async () => {
  const piped = await new Deno.Command("sh", {
    args: [
      "-c",
      'yes line | head -300 | "$@" | head -1',
      "sh",
      Deno.execPath(),
      ...cliArguments(),
      "send",
      bob.id,
      "--lines",
    ],
    env: ada.env,
    clearEnv: true,
    cwd: ada.home,
  }).output();
  assert.equal(new TextDecoder().decode(piped.stderr), "");
  const id = new TextDecoder().decode(piped.stdout).trimEnd();
  assert.ok((await read()).some((message) => message.id === id));
});

row("--lines whose ids nobody reads stops reading, and goes on where it was when somebody does", async () => {
  const env = { QIGHT_CFG__LIMITS__SEND_PER_MINUTE: "0" };
  const patient = await world.relay({ name: "patient", env });
  const user = await world.member("patient-user", patient);
  const lines = 9_000;
  const sending = user.start(["send", user.id, "--lines"]);
  const writing = sending.write("0123456789".repeat(10).concat("\n").repeat(lines)).then(() => sending.closeStdin());
  const stored = async () => {
    const status = await world.operator.ok(["relay", "status", "--json", "--data-dir", patient.dataDir]);
    return JSON.parse(status).messages as number;
  };
  let [before, now] = [-1, 0];
  // The pipe of ids takes some 2,000; 256 more are under way. Then all stands still.
  while (now === 0 || now !== before) [before, now] = [now, await stored()];
  assert.ok(now < lines / 2, `${now} went out unread`);
  let ids = 0;
  while (await sending.line() !== null) ids++;
  await writing;
  assert.equal(await sending.ended, 0, sending.stderr());
  assert.equal(ids, lines);
  assert.equal(await stored(), lines);
  await patient.stop();
});

row("--lines --json prints one object a line", async () => {
  const out = await ada.ok(["send", bob.id, "--lines", "--json"], { stdin: "a\nb\n" });
  assert.deepEqual(out.split("\n").map((line) => JSON.parse(line).to), [bob.id, bob.id]);
  assert.equal((await read()).length, 2);
});

row("--lines rides over a relay that is killed and comes back: nothing lost, nothing doubled", async () => {
  const shaky = await world.relay({ name: "shaky" });
  const [carl, dora] = await Promise.all([world.member("carl3", shaky), world.member("dora3", shaky)]);
  const sending = carl.start(["send", dora.id, "--lines", "--timeout", "6s"]);
  await sending.write("one\ntwo\n");
  const ids = [await sending.line(), await sending.line()];
  shaky.process.signal("SIGKILL");
  assert.equal(await shaky.process.ended, 137);
  await sending.write("three\nfour\n");
  const back = await world.relay({ name: "shaky", port: shaky.port });
  ids.push(await sending.line(), await sending.line());
  await sending.closeStdin();
  assert.equal(await sending.ended, 0, sending.stderr());
  const got = (await dora.ok(["fetch", "--json"])).split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(got.map(({ text }) => text), ["one", "two", "three", "four"]);
  assert.deepEqual(got.map(({ id }) => id), ids);
  await back.stop();
});

row("--lines whose relay stays away exits 69", async () => {
  const brief = await world.relay({ name: "brief" });
  const [carl, dora] = await Promise.all([world.member("carl4", brief), world.member("dora4", brief)]);
  const sending = carl.start(["send", dora.id, "--lines", "--timeout", "1s"]);
  await sending.write("one\n");
  assert.match((await sending.line())!, /^[0-9a-f]{32}$/);
  brief.process.signal("SIGKILL");
  assert.equal(await brief.process.ended, 137);
  await sending.write("two\n");
  await sending.closeStdin();
  assert.equal(await sending.ended, 69, sending.stderr());
  assert.equal(await sending.line(), null, "nothing more is printed");
});

row("regression: --lines at the relay's rate limit says so once on stderr, and not with -q", async () => {
  const env = { QIGHT_CFG__LIMITS__SEND_PER_MINUTE: "120", QIGHT_CFG__LIMITS__SEND_BURST: "1" };
  const slow = await world.relay({ name: "slow", env });
  const user = await world.member("slowsender", slow);
  const loud = await user.run(["send", user.id, "--lines"], { stdin: "1\n2\n3\n" });
  assert.equal(loud.code, 0, loud.stderr);
  assert.equal(loud.stderr, "The relay allows 120 messages a minute from one device: waiting\n");
  const quiet = await user.run(["send", user.id, "--lines", "-q"], { stdin: "1\n2\n" });
  assert.deepEqual([quiet.code, quiet.stderr], [0, ""]);
  await slow.stop();
});

const usages: [args: string[], exit: number, code: string][] = [
  [["--sealed", "--plaintext", "x"], 64, "usage"],
  [["--lines", "x"], 64, "usage"],
  [["--lines", "--queue"], 64, "usage"],
  [["--ttl", "10", "x"], 64, "bad_duration"],
  [["--ttl", "0s", "x"], 64, "bad_duration"],
  [["--id", "xyz", "x"], 64, "bad_id"],
  [["--reply-to", "12", "x"], 64, "bad_id"],
  [["-f", "/nonexistent/file"], 66, "no_input"],
  [["-f", "/"], 66, "no_input"],
  [["one", "two"], 64, "usage"],
];
for (const [args, exit, code] of usages) {
  row(`send TO ${args.join(" ")} is ${exit} ${code}`, async () => {
    const outcome = await ada.run(["send", bob.id, "--json", ...args]);
    assert.equal(outcome.code, exit, outcome.stderr);
    assert.equal(errorOf(outcome).code, code);
  });
}
