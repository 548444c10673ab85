/** Invites between real processes: words, links, one use, two verified contacts. @module */
import assert from "node:assert/strict";
import { formatInviteWords, INVITE_WORDS } from "../../crypto/invite_code.ts";
import { cast, cliArguments, errorOf, type Member, row } from "./harness.ts";
import { hasScript, onTerminal } from "./on_terminal.ts";

const { world, ada, bob, eve, ...first } = await cast("ada", "bob", "eve");
let { relay } = first;

interface Created {
  readonly words: string;
  readonly link: string;
  readonly expires_at: string;
  readonly command: string;
  readonly id: string;
}

async function create(person: Member, ...more: string[]): Promise<Created> {
  return JSON.parse(await person.ok(["invite", "create", "--json", ...more]));
}

async function contact(person: Member, name: string) {
  return JSON.parse(await person.ok(["contact", "show", name, "--json"]));
}

/** Accepts by stdin and must be refused; gives exit code and error code. */
async function refused(person: Member, stdin: string, ...more: string[]) {
  const outcome = await person.run(["invite", "accept", "-", "--json", ...more], { stdin });
  const { code, message, hint } = errorOf(outcome);
  assert.equal(outcome.stdout, "");
  return { exit: outcome.code, code, message, hint };
}

row("expectation 21: twelve words make both sides verified contacts with the same safety number, once", async () => {
  const { words, link, expires_at } = await create(ada, "--name", "ada");
  assert.equal(words.split(" ").length, 12);
  assert.ok(link.startsWith(`${relay.address}#`), "the link carries the relay");
  const minutes = (Date.parse(expires_at) - Date.now()) / 60_000;
  assert.ok(minutes > 9 && minutes < 11, expires_at);

  const accepted = JSON.parse(await bob.ok(["invite", "accept", "-", "--as", "bob", "--json"], { stdin: words }));
  assert.deepEqual([accepted.name, accepted.id, accepted.verified, accepted.answered], ["ada", ada.id, true, true]);
  const [event] = (await ada.ok(["fetch", "--json", "--events"])).split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([event.type, event.id, event.name], ["invite_accepted", bob.id, "bob"]);
  const [theirs, ours] = [await contact(bob, "ada"), await contact(ada, "bob")];
  assert.deepEqual([theirs.verified, ours.verified, theirs.id, ours.id], [true, true, ada.id, bob.id]);
  assert.equal(theirs.safety_number, ours.safety_number);
  await ada.ok(["send", "bob", "hello"]);
  assert.match(await bob.ok(["fetch"]), /^\d\d:\d\d {2}ada {2}hello$/);

  for (const person of [bob, eve]) {
    for (const text of [words, link]) {
      const { exit, code, message } = await refused(person, text);
      assert.deepEqual([exit, code], [65, "invite_used"]);
      assert.match(message, /already used/);
    }
  }
  await relay.stop();
  relay = await world.relay({ port: relay.port });
  assert.deepEqual((await refused(eve, words)).code, "invite_used");
  assert.equal(await eve.ok(["contact", "list"]), "");
});

row("expectation 22: the receiver's command is printed ready to paste, and a shell runs it", async () => {
  const text = await ada.ok(["invite", "create", "--name", "ada", "--qr"]);
  const lines = text.split("\n").filter((line) => line.startsWith("qight invite accept"));
  assert.equal(lines.length, 1);
  assert.match(text, /^words {4}(?:[a-z]+ ?){12}$/m);
  assert.match(text, /^link {5}qight:\/\/\S+#invite=\S{22}$/m);
  assert.match(text, /[█▀▄]{10}/);
  const dora = await world.member("dora", relay);
  const qight = [Deno.execPath(), ...cliArguments()].map((word) => `'${word}'`).join(" ");
  const { QIGHT_RELAY: _chosen, ...env } = dora.env;
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", `qight() { ${qight} "$@"; }\n${lines[0]}`],
    ...{ env, clearEnv: true, cwd: dora.home },
  }).output();
  const said = new TextDecoder().decode(stderr);
  assert.equal(code, 0, said);
  assert.equal(new TextDecoder().decode(stdout), `ada  ${ada.id}  verified\n`);
  assert.match(said, /no relay was chosen: using the one in the link/);
  assert.ok(said.includes(relay.address));
  await ada.ok(["fetch"]);
});

row("regression: whom an invite without names made a contact can be named, and stays verified", async () => {
  const fay = await world.member("nameless-fay", relay);
  const gus = await world.member("nameless-gus", relay);
  const { words } = await create(fay);
  await gus.ok(["invite", "accept", "-"], { stdin: words });
  const short = fay.id.slice(0, 12);
  assert.equal((await contact(gus, short)).verified, true);
  assert.equal(await gus.ok(["contact", "add", "Fay", fay.id]), `Fay  ${fay.id}  verified`);
  assert.equal(await gus.ok(["contact", "add", "faye", "Fay"]), `faye  ${fay.id}  verified`, "and renamed later");
  assert.deepEqual((await gus.ok(["contact", "list"])).split("\n").length, 1);

  await gus.ok(["contact", "add", "taken", eve.id]);
  const taken = await gus.run(["contact", "add", "TAKEN", "faye", "--json"]);
  assert.deepEqual([taken.code, errorOf(taken).code], [73, "would_overwrite"]);
  const again = await gus.run(["contact", "add", "other", fay.id, "--json"]);
  assert.equal(errorOf(again).hint, "To rename: qight contact add other faye.");
  const { stderr } = await gus.run(["repl"], { stdin: "/contacts add Fay faye\n" });
  assert.match(stderr, /faye is Fay now/);
});

row("an answer is never a message: not for fetch, not for --exec, and a look leaves it", async () => {
  const fay = await world.member("fay", relay);
  const { words } = await create(ada);
  await fay.ok(["invite", "accept", "--name", "Ada", "--as", "fay"], { stdin: words });
  assert.equal((await contact(fay, "ada")).name, "Ada");
  const look = await ada.run(["fetch", "--peek"]);
  assert.deepEqual([look.stdout, look.code], ["", 0]);
  const { stdout, stderr, code } = await ada.run(["fetch", "--exec", "--", "sh", "-c", "echo ran"]);
  assert.deepEqual([stdout, code], ["", 0]);
  assert.match(stderr, /fay took your invite [0-9a-f]{8} and is a verified contact now: qid1/);
  assert.equal((await contact(ada, "fay")).verified, true);
  assert.equal((await ada.run(["fetch", "--fail-empty"])).code, 66, "it was acknowledged");
});

row("without names a contact is the first 12 characters of the id, and that is a name to write to", async () => {
  const gus = await world.member("gus", relay);
  const { link } = await create(eve);
  assert.equal(JSON.parse(await gus.ok(["invite", "accept", link, "--json"])).name, eve.id.slice(0, 12));
  await eve.ok(["fetch"]);
  await eve.ok(["send", gus.id.slice(0, 12), "hello"]);
  assert.match(await gus.ok(["fetch"]), new RegExp(`${eve.id.slice(0, 12)} {2}hello$`));
  const stranger = await eve.run(["send", ada.id.slice(0, 12), "x", "--json"]);
  assert.deepEqual([stranger.code, errorOf(stranger).code], [64, "bad_id"]);
});

row("an invite that has expired is 65 and the same as none at all; list says so", async () => {
  const { words, id } = await create(ada, "--ttl", "1h", "--for", "late");
  await relay.stop();
  const later = world.operator.file("later.js", "const real = Date.now; Date.now = () => real() + 3_601_000;");
  relay = await world.relay({ port: relay.port, preload: later });
  const never = formatInviteWords(new Uint8Array(16).fill(3));
  const [expired, unknown] = [await refused(bob, words), await refused(bob, never)];
  assert.deepEqual([expired.exit, expired.code], [65, "invite_unknown"]);
  assert.deepEqual(expired, unknown);
  const listed = (await ada.ok(["invite", "list", "--json"], { preload: later })).split("\n").map((l) => JSON.parse(l));
  assert.deepEqual(listed.filter((each) => each.id === id).map(({ state, for: whom }) => [state, whom]), [
    ["expired", "late"],
  ]);
  await relay.stop();
  relay = await world.relay({ port: relay.port });
});

row(
  "a misheard word is refused by name, with the near one, and nothing else of the invite is said",
  async () => {
    const { words, link } = await create(ada);
    const all = words.split(" ");
    const typo = `${all[4].slice(0, -1)}${all[4].endsWith("q") ? "x" : "q"}`;
    const misheard = await refused(bob, all.with(4, typo).join(" "));
    assert.deepEqual([misheard.exit, misheard.code], [64, "bad_invite"]);
    assert.equal(misheard.message, `Word 5, "${typo}", is in no invite`);
    assert.match(misheard.hint, /^Did you mean "[a-z]+"\?$/);
    const other = all.with(11, INVITE_WORDS.find((word) => word !== all[11])!);
    const rows: [string, RegExp][] = [
      [all.slice(1).join(" "), /has 12 words, and these are 11/],
      ["", /no invite on standard input/],
      [link.slice(0, -2), /link is damaged/],
      [relay.address, /address of a relay/],
      [link.replace("qight://", "qight://x"), /address is malformed/],
    ];
    for (const [text, message] of rows) {
      const error = await refused(bob, text);
      assert.equal(error.exit, 64);
      assert.match(error.message, message);
      // Single words of an invite may be words of a sentence too, "link" for one.
      for (const [n, word] of all.slice(1).entries()) assert.ok(!error.message.includes(`${all[n]} ${word}`));
      assert.ok(!`${error.message}${error.hint}`.includes(link.slice(-22, -2)));
    }
    // One word in sixteen fits behind the other eleven; then the relay knows no such invite.
    assert.match((await refused(bob, other.join(" "))).message, /do not belong together|no such invite/);
    await bob.ok(["invite", "accept", ...all.map((word) => word.toUpperCase())]);
  },
);

row("an invite that was taken back is 65 for others, and its maker cannot take it by mistake", async () => {
  const { words, id } = await create(ada);
  const own = await refused(ada, words);
  assert.deepEqual([own.exit, own.code], [64, "usage"]);
  assert.match(await ada.ok(["invite", "list"]), new RegExp(`^${id}  open  `, "m"));
  assert.equal(await ada.ok(["invite", "revoke", id]), `${id}  revoked`);
  assert.equal((await refused(eve, words)).code, "invite_unknown");
  assert.match(await ada.ok(["invite", "list"]), new RegExp(`^${id}  revoked  `, "m"));
  const none = await ada.run(["invite", "revoke", "00000000", "--json"]);
  assert.deepEqual([none.code, errorOf(none).code], [65, "invite_unknown"]);
  const accepted = (await ada.ok(["invite", "list"])).split("\n").find((line) => line.includes("accepted"))!;
  const late = await ada.run(["invite", "revoke", accepted.slice(0, 8), "--json"]);
  assert.deepEqual([late.code, errorOf(late).code], [65, "invite_used"]);
});

row("revoked after it was claimed: the answer that comes adds nobody, and fetch goes on", async () => {
  await ada.ok(["fetch"]);
  const { words, id } = await create(ada);
  const hal = await world.member("hal", relay);
  await hal.ok(["invite", "accept", "-", "--as", "hal"], { stdin: words });
  const revoked = await ada.run(["invite", "revoke", id]);
  assert.equal(revoked.code, 0);
  assert.match(revoked.stderr, /had given it out already/);
  await hal.ok(["send", ada.id, "hello"]);
  const [event, message] = (await ada.ok(["fetch", "--json", "--events"])).split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([event.type, event.reason], ["unreadable", "bad_invite"]);
  assert.deepEqual([message.text, message.from_name], ["hello", undefined]);
  const missing = await ada.run(["contact", "show", "hal", "--json"]);
  assert.equal(errorOf(missing).code, "no_such_contact");
});

const badOptions: [args: string[], exit: number, code: string][] = [
  [["create", "--ttl", "10"], 64, "bad_duration"],
  [["create", "--ttl", "0s"], 64, "bad_duration"],
  [["create", "--name", "../.."], 64, "bad_name"],
  [["create", "--for", "a b"], 64, "bad_name"],
  [["accept", "--name", "qid1x", "x"], 64, "bad_name"],
  [["accept"], 64, "bad_invite"],
  [["accept", "--no-input"], 64, "bad_invite"],
  [["revoke"], 64, "usage"],
];
for (const [args, exit, code] of badOptions) {
  row(`invite ${args.join(" ")} is ${exit} ${code}`, async () => {
    const outcome = await eve.run(["invite", ...args, "--json"]);
    assert.deepEqual([outcome.code, errorOf(outcome).code], [exit, code]);
  });
}

Deno.test({
  name: hasScript
    ? "accept on a terminal asks, TAB completes words, a wrong one is asked again"
    : "accept (no script(1))",
  ignore: !hasScript,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const ida = await world.member("ida", relay);
    let all: string[];
    // Each word is waited for on the screen, so no word may come twice.
    do all = (await create(ada, "--name", "ada")).words.split(" "); while (new Set(all).size < 12);
    const typed = all.map((word): [RegExp, string] => [
      new RegExp(`${word} `),
      word.length > 4 ? `${word.slice(0, 4)}\t` : `${word} `,
    ]);
    // Each word is typed when the one before it stands whole on the screen.
    const [asked, ...questions] = [/TAB completes words\): /, ...typed.map(([shown]) => shown)];
    const dialogue = typed.map(([, keys], n): [RegExp, string] => [n === 0 ? asked : questions[n - 1], keys]);
    const { code, screen } = await onTerminal(ida, ["invite", "accept"], [
      [asked, "not an invite\r"],
      ...dialogue,
      [questions.at(-1)!, "\r"],
    ]);
    assert.equal(code, 0, screen);
    assert.match(screen, /these are 3/);
    assert.match(screen, new RegExp(`ada  ${ada.id}  verified`));
    const gone = await onTerminal(ida, ["invite", "accept"], [[asked, "\x03"]]);
    assert.equal(gone.code, 130, gone.screen);
  },
});

Deno.test({
  name: hasScript
    ? "accept on a terminal asks for the words, then for the passphrase"
    : "words, passphrase (no script(1))",
  ignore: !hasScript,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const kim = world.person("kim", { QIGHT_RELAY: relay.address });
    await kim.ok(["key", "gen", "--passphrase-file", kim.file("passphrase", "correct horse\n")]);
    const { words } = await create(ada, "--name", "ada");
    const { code, screen } = await onTerminal(kim, ["invite", "accept"], [
      [/TAB completes words\): /, `${words}\r`],
      [/Passphrase of .*: /, "correct horse\r"],
    ]);
    assert.equal(code, 0, screen);
    assert.match(screen, new RegExp(`ada  ${ada.id}  verified`));
  },
});
