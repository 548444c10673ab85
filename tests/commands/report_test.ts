/** Block and report: the relay takes nothing from a blocked account, and only what was sent can be shown to its operator. @module */
import assert from "node:assert/strict";
import { blockEverywhere } from "../../cli/block.ts";
import { openStoreFile } from "../../client/storage/store_file.ts";
import type { ReportableRow } from "../../client/storage/store.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { decodeIdentity } from "../../crypto/identity_bytes.ts";
import { openVault } from "../../crypto/vault.ts";
import { QightError } from "../../proto/errors.ts";
import { cast, errorOf, type Member, row } from "./harness.ts";
import { hasScript, onTerminal } from "./on_terminal.ts";

const { ada, bob, mallory, relay, world } = await cast("ada", "bob", "mallory");

let reporters = 0;
/** Somebody who has reported nothing yet: a relay takes few reports of one device. */
function reporter(): Promise<Member> {
  return world.member(`reporter${++reporters}`, relay);
}

/** What Mallory sends to somebody who has read it; its id. */
async function threat(to: Member, text: string, ...flags: string[]): Promise<string> {
  const { id } = JSON.parse(await mallory.ok(["send", to.id, text, ...flags, "--json"]));
  await to.ok(["fetch"]);
  return id;
}

/** Puts something else in the place of what somebody could prove. */
async function forge(at: Member, id: string, change: (row: ReportableRow) => Partial<ReportableRow>): Promise<void> {
  const home = at.path("data/qight");
  const { device } = decodeIdentity(await openVault(Deno.readTextFileSync(`${home}/identity.key`), null));
  const { publicKey } = await signerFromSeed(device!.seed);
  await using store = await openStoreFile(home, publicKey, device!.dataKey);
  await store.write(({ reportable }) => {
    const [row] = reportable.about(Uint8Array.fromHex(id));
    reportable.purge(Infinity);
    reportable.put({ ...row, ...change(row) }, 1e9);
  });
}

for (const [how, flags] of [["in a conversation", []], ["sealed", ["--sealed"]], ["plain", ["--plaintext"]]] as const) {
  row(`what was sent ${how} is reported with its proof, and the report has a number`, async () => {
    const ada = await reporter();
    const id = await threat(ada, `I know where you live (${how})`, ...flags);
    const told = JSON.parse(await ada.ok(["report", id, "--reason", "threatens me", "-y", "--json"]));
    assert.match(told.report, /^[0-9a-f]{8}$/);
    assert.equal(told.relay, relay.address);
    const [{ sent_at, ...message }, ...more] = told.messages;
    assert.deepEqual(message, { id, from: mallory.id, text: `I know where you live (${how})` });
    assert.ok(Math.abs(Date.parse(sent_at) - Date.now()) < 600_000);
    assert.deepEqual(more, []);
    assert.match(await ada.ok(["report", id, "-y"]), /^[0-9a-f]{8}$/, "alone on stdout, for scripts");
  });
}

const lies: [what: string, change: (row: ReportableRow) => Partial<ReportableRow>][] = [
  ["changes one byte of the words", ({ content }) => ({ content: content.with(content.length - 1, 0x21) })],
  ["changes one byte of the key", ({ frankingKey }) => ({ frankingKey: frankingKey.with(0, frankingKey[0] ^ 1) })],
  ["changes one byte of the envelope", ({ envelope }) => ({ envelope: envelope.with(99, envelope[99] ^ 1) })],
  ["says that somebody else sent it", () => ({ account: new Uint8Array(32).fill(7) })],
];
for (const [what, change] of lies) {
  row(`a reporter who ${what} proves nothing: 65 bad_report`, async () => {
    const ada = await reporter();
    const id = await threat(ada, "harmless");
    await forge(ada, id, change);
    const outcome = await ada.run(["report", id, "-y", "--json"]);
    assert.deepEqual([outcome.code, errorOf(outcome).code], [65, "bad_report"]);
    assert.match(errorOf(outcome).message, /^Message 1 of the report proves nothing: /);
  });
}

row("a report needs a yes, a message of somebody else, and words that fit", async () => {
  const ada = await reporter();
  const id = await threat(ada, "hello");
  const { id: own } = JSON.parse(await ada.ok(["send", mallory.id, "my own words", "--json"]));
  const rows: [args: string[], exit: number, code: string, message: RegExp][] = [
    [[id], 64, "usage", /needs a yes, and there is no terminal/],
    [[own, "-y"], 66, "no_input", /Nothing is kept of a message/],
    [["00".repeat(16), "-y"], 66, "no_input", /Nothing is kept of a message/],
    [["not-an-id", "-y"], 64, "bad_id", /"not-an-id" is no message id/],
    [[id, "-y", "--reason", "x".repeat(1001)], 64, "usage", /1001 bytes; at most 1000/],
  ];
  for (const [args, exit, code, message] of rows) {
    const outcome = await ada.run(["report", ...args, "--json"]);
    assert.deepEqual([outcome.code, errorOf(outcome).code], [exit, code], args[0]);
    assert.match(errorOf(outcome).message, message);
  }
});

Deno.test({
  name: "on a terminal it shows what will be seen by whom and asks" +
    (hasScript ? "" : " (needs script of util-linux)"),
  ignore: !hasScript,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const ada = await reporter();
    const id = await threat(ada, "look at \u001b[31mthis");
    const no = await onTerminal(ada, ["report", id], [[/Type yes: /, "y\r"]]);
    assert.equal(no.code, 77, no.screen);
    assert.match(no.screen, /Whoever runs qight:\/\/\S+ will see this, who sent it, and that you report it:/);
    assert.match(no.screen, /look at \\u001b\[31mthis/, "what others wrote steers no terminal");
    assert.match(no.screen, /Nothing was reported/);
    const yes = await onTerminal(ada, ["report", id], [[/Type yes: /, "yes\r"]]);
    assert.equal(yes.code, 0, yes.screen);
    assert.match(yes.screen, /^[0-9a-f]{8}\r?$/m);
  },
});

row("what was edited is reported with its edits", async () => {
  const ada = await reporter();
  await ada.ok(["contact", "add", "mallory", mallory.id]);
  const id = await threat(ada, "nice to meet you");
  const chat = mallory.start(["repl", "--with", ada.id]);
  await chat.write("/edit I will find you\n/quit\n");
  assert.equal(await chat.ended, 0);
  await ada.ok(["fetch"]);
  const { messages } = JSON.parse(await ada.ok(["report", id, "-y", "--json"]));
  assert.deepEqual(
    messages.map(({ from_name, text, changes }: Record<string, string>) => [from_name, text, changes]),
    [["mallory", "nice to meet you", undefined], ["mallory", "I will find you", id]],
  );
});

row("who keeps no history keeps no proofs: there is nothing to report", async () => {
  Deno.mkdirSync(bob.path("config/qight"), { recursive: true });
  bob.file("config/qight/config.toml", "[history]\nkeep = false\n");
  const { id } = JSON.parse(await mallory.ok(["send", bob.id, "unkept", "--json"]));
  assert.match(await bob.ok(["fetch"]), /unkept/);
  const outcome = await bob.run(["report", id, "-y", "--json"]);
  assert.deepEqual([outcome.code, errorOf(outcome).code], [66, "no_input"]);
  Deno.removeSync(bob.path("config/qight/config.toml"));
});

row(
  "a blocked sender is refused with 77, in every way to send; what is said in a group is not shown, but to others",
  async () => {
    await ada.ok(["contact", "add", "mallory", mallory.id]);
    await threat(ada, "hello there");
    await bob.ok(["group", "create", "club", ada.id, mallory.id]);
    await Promise.all([ada.ok(["fetch"]), mallory.ok(["fetch"])]);
    assert.match(await ada.ok(["contact", "block", "mallory"]), /^mallory {2}qid1\S+ {2}not verified, blocked$/);
    for (const flags of [[], ["--sealed"], ["--plaintext"]]) {
      const outcome = await mallory.run(["send", ada.id, "let me in", ...flags, "--json"]);
      assert.equal(outcome.code, 77, `${flags.join()} ${outcome.stdout}${outcome.stderr}`);
      assert.deepEqual([outcome.code, errorOf(outcome).code], [77, "refused_by_recipient"], flags.join());
      assert.equal(errorOf(outcome).hint, "Nothing was delivered.");
    }
    const lines = await mallory.run(["send", ada.id, "--lines", "--json"], { stdin: "one\ntwo\n" });
    assert.deepEqual([lines.code, errorOf(lines).code], [77, "refused_by_recipient"]);
    await mallory.ok(["send", "#club", "said to all"]);
    await bob.ok(["send", "#club", "and by bob"]);
    assert.match(await ada.ok(["fetch"]), /^[^\n]*and by bob$/);
    assert.match(await bob.ok(["fetch"]), /said to all/);

    await ada.ok(["contact", "block", "mallory", "--undo"]);
    await mallory.ok(["send", ada.id, "in again"]);
    assert.match(await ada.ok(["fetch"]), /^[^\n]*mallory {2}in again$/);
  },
);

row("regression: who first wrote while blocked is heard when the block is lifted", async () => {
  const ann = await world.member("ann", relay);
  await ann.ok(["contact", "add", "mallory", mallory.id]);
  await ann.ok(["contact", "block", "mallory"]);
  assert.equal((await mallory.run(["send", ann.id, "hello?"])).code, 77);
  assert.equal(await ann.ok(["fetch"]), "");
  await ann.ok(["contact", "block", "mallory", "--undo"]);
  await mallory.ok(["send", ann.id, "hello again"]);
  assert.match(await ann.ok(["fetch"]), /^[^\n]*mallory {2}hello again$/);

  await ann.ok(["contact", "block", "mallory"]);
  assert.equal(await ann.ok(["contact", "remove", "mallory"]), "mallory");
  await mallory.ok(["send", ann.id, "a stranger again"]);
  assert.match(await ann.ok(["fetch"]), /a stranger again$/, "who has no name any more is not blocked");
});

row(
  "a relay that cannot be asked keeps nobody from blocking; one line says so, and the same again tells it",
  async () => {
    const away = world.person("away", { QIGHT_RELAY: relay.address.replace(/:\d+$/, ":9"), QIGHT_TIMEOUT: "2s" });
    await away.ok(["key", "gen", "--no-passphrase"]);
    await away.ok(["contact", "add", "mallory", mallory.id]);
    const { code, stderr } = await away.run(["contact", "block", "mallory"]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^the relay does not know the block \(.*\); the same command again tells it$/m);
    assert.equal(JSON.parse(await away.ok(["contact", "show", "mallory", "--json"])).blocked, true);
  },
);

row("with an older relay the block counts here alone, which only -v says", async () => {
  const said: string[] = [];
  const remarks = {
    note: (text: string) => said.push(`note ${text}`),
    detail: (text: string) => said.push(`-v ${text}`),
  };
  const contact = { name: "mallory", account: new Uint8Array(32) } as unknown as Awaited<ReturnType<Blocked["block"]>>;
  const contacts = { block: () => Promise.resolve(contact) } as unknown as Blocked;
  const older = () => Promise.reject(new QightError("unknown_method"));
  assert.equal(await blockEverywhere({ contacts }, "mallory", true, older, remarks), contact);
  assert.deepEqual(said, ["-v the relay knows no blocks: what they send is thrown away here, unseen"]);
});

type Blocked = Parameters<typeof blockEverywhere>[0]["contacts"];
