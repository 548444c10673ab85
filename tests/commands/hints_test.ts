/** What a new user is told to do next: every hint names a command or flag that exists and helps. @module */
import assert from "node:assert/strict";
import { cast, errorOf, row } from "./harness.ts";

const { world, relay, ada, bob } = await cast("ada", "bob");

row("a --ttl above the relay's longest is said on stderr, not with -q, and expires_at is the true time", async () => {
  const loud = await ada.run(["send", bob.id, "x", "--ttl", "60d", "--json"]);
  assert.equal(loud.code, 0, loud.stderr);
  assert.equal(loud.stderr, "--ttl 60d is more than this relay allows: unread, the message expires after 30d\n");
  const days = (Date.parse(JSON.parse(loud.stdout).expires_at) - Date.now()) / 86_400_000;
  assert.ok(days > 29 && days <= 30, `${days} days`);
  assert.equal((await ada.run(["send", bob.id, "x", "--ttl", "60d", "-q"])).stderr, "");
  assert.equal((await ada.run(["send", bob.id, "x", "--ttl", "30d"])).stderr, "");
  for (const way of [["--lines"], ["--queue"]]) {
    const { stderr } = await ada.run(["send", bob.id, "--ttl", "9w", ...way], { stdin: "x\ny\n" });
    assert.match(stderr, /^--ttl 63d is more than this relay allows.*\n$/, way[0]);
  }
});

const passphrases: [args: string[], hint: RegExp, never: RegExp][] = [
  [["relay", "backup", "b"], /--passphrase-file FILE, or --plain/, /no-passphrase/],
  [["key", "gen", "--identity", "x.key"], /--passphrase-file FILE, or --no-passphrase/, /--plain/],
  [["key", "passwd"], /--new-passphrase-file FILE, or --no-passphrase/, /--plain/],
];
for (const [args, hint, never] of passphrases) {
  row(`${args.join(" ")} without a passphrase names the flags that it has`, async () => {
    const outcome = await ada.run([...args, "--json"]);
    assert.equal(errorOf(outcome).code, "passphrase_needed");
    assert.match(errorOf(outcome).hint, hint);
    assert.doesNotMatch(errorOf(outcome).hint, never);
  });
}

row("opening a locked key without its passphrase does not advise --no-passphrase", async () => {
  const user = world.person("locked", { QIGHT_RELAY: relay.address });
  await user.ok(["key", "gen", "--passphrase-file", user.file("pass", "secret")]);
  const outcome = await user.run(["fetch", "--json"]);
  assert.equal(errorOf(outcome).code, "passphrase_needed");
  assert.equal(errorOf(outcome).hint, "Use --passphrase-file FILE or set QIGHT_PASSPHRASE_FILE.");
});

for (const flag of ["--id", "--reply-to"]) {
  row(`send ${flag} zz speaks of a message id, not of an account`, async () => {
    const error = errorOf(await ada.run(["send", bob.id, "x", flag, "zz", "--json"]));
    assert.equal(error.code, "bad_id");
    assert.match(error.message, new RegExp(`${flag} "zz" is no message id`));
    assert.match(error.hint, /32 hex digits/);
    assert.doesNotMatch(error.hint, /qid1/);
  });
}

row("a relay address without its ROOT: the hint asks for the whole address, which relay status prints", async () => {
  const bare = relay.address.replace(/\/\/[^@]+@/, "//");
  const error = errorOf(await ada.run(["ping", "--json", "--relay", bare]));
  assert.equal(error.code, "bad_certificate");
  assert.match(error.hint, /qight:\/\/ROOT@host:port.*qight relay status/);
  const status = await world.operator.ok(["relay", "status", "--data-dir", relay.dataDir]);
  assert.deepEqual(status.split("\n")[0].split(/ +/), ["address", relay.address]);
  const json = JSON.parse(await world.operator.ok(["relay", "status", "--json", "--data-dir", relay.dataDir]));
  assert.deepEqual([json.address, json.addresses], [relay.address, [relay.address]]);
});

row("key verify of a path in the place of the signature says to write @FILE", async () => {
  const file = ada.file("release", "bytes");
  const signature = ada.file("release.sig", await ada.ok(["key", "sign", file]));
  const error = errorOf(await ada.run(["key", "verify", ada.id, signature, file, "--json"]));
  assert.equal(error.code, "bad_signature");
  assert.ok(error.hint.includes(`write @${signature}`), error.hint);
  assert.match(await ada.ok(["key", "verify", ada.id, `@${signature}`, file]), /^good signature/);
});

const misunderstood: [args: string[], help: string][] = [
  [["send"], "send"],
  [["fetch", "--folow"], "fetch"],
  [["fetch", "--max"], "fetch"],
  [["recv", "--folow"], "fetch"],
  [["key", "gen", "--frce"], "key gen"],
  [["key", "nope"], "key"],
  [["relay", "token", "add", "--nme", "x"], "relay token add"],
  [["relay", "token", "revoke"], "relay token revoke"],
  [["whoami", "me"], "whoami"],
  [["ping", "--nonsense"], "ping"],
];
for (const [args, help] of misunderstood) {
  row(`qight ${args.join(" ")} is 64 and names qight help ${help}`, async () => {
    const outcome = await ada.run([...args, "--json"]);
    assert.equal(outcome.code, 64);
    assert.equal(errorOf(outcome).hint, `See qight help ${help}.`);
    assert.match(await ada.ok(["help", ...help.split(" ")]), /^Usage: /m);
  });
}

row("send with a message that the shell took apart, or that looks like an option, says what to write", async () => {
  const words = errorOf(await ada.run(["send", bob.id, "disk", "full", "--json"]));
  assert.match(words.hint, /needs quotes.* See qight help send\.$/);
  const dash = errorOf(await ada.run(["send", bob.id, "-5 degrees", "--json"]));
  assert.match(dash.hint, /goes after --: .* See qight help send\.$/);
  await ada.ok(["send", bob.id, "--", "-5 degrees"]);
  assert.match(await bob.ok(["fetch"]), /-5 degrees$/);
});

row("help shows one value for a flag that is repeated, who ends a --follow, and what health asks", async () => {
  const send = await ada.ok(["help", "send"]);
  assert.match(send, /^ {2}-f, --file <path> +attach a file of up to 50 MiB; repeat for more$/m);
  assert.ok(!(send + await ada.ok(["help", "relay"])).includes("..."));
  const fetch = (await ada.ok(["help", "fetch"])).replace(/\s+/g, " ");
  assert.match(fetch, /newest fetch takes over and ends an older --follow \(exit 75\)/);
  const health = await ada.ok(["help", "health"]);
  assert.match(health, /connects to that relay/);
  assert.match(health, /admin socket/);
});

row("a --follow that a plain fetch ended says so, and how to look without taking over", async () => {
  const following = bob.start(["fetch", "--follow", "--json"]);
  await ada.ok(["send", bob.id, "held"]);
  while (JSON.parse((await following.line())!).text !== "held");
  assert.equal((await bob.run(["fetch", "--peek"])).code, 0);
  await bob.ok(["fetch"]);
  assert.equal(await following.ended, 75, following.stderr());
  const { error } = JSON.parse(following.stderr());
  assert.equal(error.message, "Another fetch reads this mailbox now, and this one ended");
  assert.match(error.hint, /fetch --peek/);
});

row(
  "^C in fetch --follow ends it with 130 and not a word; with --json the error has no hint of unknown outcome",
  async () => {
    for (const json of [false, true]) {
      const following = bob.start(["fetch", "--follow", ...(json ? ["--json"] : [])]);
      await ada.ok(["send", bob.id, "last words"]);
      assert.match((await following.line())!, /last words/);
      following.signal("SIGINT");
      assert.equal(await following.ended, 130);
      if (!json) assert.equal(following.stderr(), "");
      else {
        const { error } = JSON.parse(following.stderr());
        assert.deepEqual([error.code, error.hint], ["interrupted", ""]);
      }
    }
  },
);

row("^C in a waiting fetch says Interrupted and nothing of an outcome", async () => {
  const waiting = bob.start(["fetch", "--wait", "30s", "-v"]);
  await relayHasReader();
  waiting.signal("SIGINT");
  assert.equal(await waiting.ended, 130);
  assert.equal(waiting.stderr(), "qight: Interrupted\n");
});

row("^C before there was a session says that nothing was sent; in send --lines, what was accepted", async () => {
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nowhere = relay.address.replace(/:\d+$/, `:${silent.addr.port}`);
  const sending = ada.start(["send", bob.id, "x", "--relay", nowhere]);
  using _caller = await silent.accept();
  silent.close();
  sending.signal("SIGINT");
  assert.equal(await sending.ended, 130);
  assert.equal(sending.stderr(), "qight: Interrupted\n  Nothing was sent.\n");
  const lines = ada.start(["send", bob.id, "--lines"]);
  await lines.write("one\n");
  assert.match((await lines.line())!, /^[0-9a-f]{32}$/);
  lines.signal("SIGINT");
  assert.equal(await lines.ended, 130);
  assert.match(lines.stderr(), /^qight: Interrupted\n {2}Every line whose id was printed is accepted/);
});

/** Resolves when somebody reads at the relay. */
async function relayHasReader(): Promise<void> {
  const readers = async () =>
    JSON.parse(await world.operator.ok(["relay", "status", "--json", "--data-dir", relay.dataDir])).readers;
  while (await readers() === 0);
}

row("the relay's start lines name its data folder, last; with --json it is data_dir", async () => {
  const dir = world.operator.path("shown");
  const env = { QIGHT_CFG__HTTP__LISTEN: "" };
  const start = (...args: string[]) =>
    world.operator.start(["relay", "--listen", "127.0.0.1:0", "--data-dir", dir, ...args], { env });
  const text = start();
  assert.match((await text.line())!, /^address {2}qight:/);
  assert.match((await text.line())!, new RegExp(`^data {5}${dir} `));
  text.signal("SIGTERM");
  assert.equal(await text.ended, 0);
  assert.doesNotMatch(text.stderr(), /UDP receive buffer/, "a relay on loopback needs no larger buffer");
  const json = start("--json");
  assert.equal(JSON.parse((await json.line())!).data_dir, dir);
  json.signal("SIGTERM");
  assert.equal(await json.ended, 0);
});

row("regression: repl and history with a name beside them say which option it goes after", async () => {
  const chat = errorOf(await ada.run(["repl", "bob", "--json"]));
  assert.equal(chat.hint, "Whom to chat with goes after --with: qight repl --with NAME. See qight help repl.");
  const lines = errorOf(await ada.run(["history", "bob", "disk", "--json"]));
  assert.match(lines.hint, /goes after --in, words after --search: .* See qight help history\.$/);
});

row("regression: report of what is no message id speaks of messages, not of accounts", async () => {
  const error = errorOf(await ada.run(["report", "x", "--json"]));
  assert.equal(error.code, "bad_id");
  assert.match(error.message, /"x" is no message id/);
  assert.doesNotMatch(error.hint, /qid1/);
});

row("regression: the beginning of an id, as fetch shows it, says where the whole one is", async () => {
  for (const args of [["send", bob.id.slice(0, 12), "x"], ["contact", "block", bob.id.slice(0, 12)]]) {
    const error = errorOf(await ada.run([...args, "--json"]));
    assert.equal(error.code, "bad_id", args.join(" "));
    assert.match(error.hint, /fetch --json and qight history --json/);
  }
});

row("regression: a second group of a name asks for another name, not for another id", async () => {
  await ada.ok(["group", "create", "twice"]);
  const error = errorOf(await ada.run(["group", "create", "twice", "--json"]));
  assert.deepEqual([error.code, error.hint], ["group_exists", "Choose another name."]);
});

row("regression: send to who took an invite says to fetch first; send me says where notes go", async () => {
  await ada.ok(["invite", "create"]);
  const early = errorOf(await ada.run(["send", "newcomer", "x", "--json"]));
  assert.equal(early.code, "no_such_contact");
  assert.match(early.hint, /^Who took your invite is known after qight fetch\. See qight contact list/);
  const notes = errorOf(await ada.run(["send", "me", "buy milk", "--json"]));
  assert.match(notes.hint, /echo "@me TEXT" \| qight repl/);
});
