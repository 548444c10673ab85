/** `qight repl`: blocks and reports, the own account, its devices, recovery codes, and its end; over pipes. @module */
import assert from "node:assert/strict";
import { cast, errorOf, type Member, row, type Running } from "./harness.ts";

const { ada, mallory, relay, world } = await cast("ada", "mallory");

/** A chat that is typed into and ends; lines of stdout and what was remarked. */
async function chat(who: Member, lines: readonly string[], ...flags: string[]) {
  return await who.run(["repl", ...flags], { stdin: lines.map((line) => `${line}\n`).join("") });
}

async function lineLike(running: Running, pattern: RegExp): Promise<string> {
  for (let line; (line = await running.line()) !== null;) if (pattern.test(line)) return line;
  throw new assert.AssertionError({ message: `never saw ${pattern}: ${running.stderr()}` });
}

row("/report shows what will be seen, wants the sender's name, and reports with a reason", async () => {
  await ada.ok(["contact", "add", "mallory", mallory.id]);
  await mallory.ok(["send", ada.id, "I know where you live"]);
  await mallory.ok(["send", ada.id, "and when you sleep"]);
  await ada.ok(["fetch"]);
  const no = await chat(ada, ["/report", "yes"], "--with", "mallory");
  assert.match(no.stdout, /Whoever runs qight:\/\/\S+ will see this[\s\S]*mallory {2}and when you sleep/);
  assert.match(no.stderr, /Type mallory to go on:[\s\S]*Nothing was changed/);
  assert.equal(no.code, 77);
  const yes = await chat(ada, ["/report -2 threatens me", "mallory"], "--with", "mallory");
  assert.match(yes.stdout, /will see this, who sent it[^\n]*\n[^\n]*mallory {2}I know where you live$/m);
  assert.match(yes.stderr, /^reported as [0-9a-f]{8}; \/block mallory keeps more of them away$/m);
  const none = await chat(ada, ["/report -9", "/report"], "--with", "me");
  assert.match(none.stderr, /There is no line -9 here[\s\S]*There is no such line here/);
});

row("/block tells the relay: what they send is refused until /block --undo", async () => {
  const { stderr } = await chat(ada, ["/block mallory", "mallory"]);
  assert.match(stderr, /^mallory is blocked$/m);
  const refused = await mallory.run(["send", ada.id, "still there?", "--json"]);
  assert.deepEqual([refused.code, errorOf(refused).code], [77, "refused_by_recipient"]);
  const inChat = await chat(mallory, [`/dm ${ada.id}`, "hello?"]);
  assert.match(inChat.stderr, /not sent to qid1\S+: The recipient takes no messages from this account/);
  await chat(ada, ["/block mallory --undo"]);
  await mallory.ok(["send", ada.id, "thank you"]);
  assert.match(await ada.ok(["fetch"]), /mallory {2}thank you$/);
});

row("/account and /devices show what the relay has; /recovery makes eight codes after a yes", async () => {
  const before = await chat(ada, ["/account", "/devices", "/recovery", "no"]);
  assert.match(before.stdout, new RegExp(`^id {7}${ada.id}\ndevices {2}1\ncodes {4}none: /recovery makes them$`, "m"));
  assert.match(before.stdout, /^device {2}SHA256:\S+ {2}added \d{4}-\d\d-\d\d {2}this device$/m);
  assert.match(before.stderr, /Type new to go on:[\s\S]*Nothing was changed/);
  const made = await chat(ada, ["/recovery", "new", "/account"]);
  assert.equal(made.stdout.match(/^qrc1\S+$/gm)?.length, 8);
  assert.match(made.stdout, /^codes {4}8 left$/m);
  assert.match(made.stderr, /these 8 are shown once/);
});

row("/link lets a device in whose name is typed, and /revoke takes it off again", async () => {
  const phone = world.person("phone", { QIGHT_RELAY: relay.address, QIGHT_TIMEOUT: "60s" });
  const linking = phone.start(["device", "link", "--name", "phone", "--no-passphrase"]);
  const code = (await linking.line())!;
  assert.match(code, /^(?:[a-z]+ ){11}[a-z]+$/);
  const talk = ada.start(["repl"], { env: { QIGHT_TIMEOUT: "60s" } });
  await talk.write(`/link ${code}\n`);
  await talk.seen(/new device {3}SHA256:\S+ {2}phone\nthis device {2}SHA256:\S+\n[\s\S]*Type phone to go on:/);
  await talk.write("phone\n");
  await talk.seen(/^phone is one of your devices now$/m);
  assert.equal(await linking.ended, 0, linking.stderr());
  await talk.write("/devices\n");
  await lineLike(talk, /^phone {3}SHA256:\S+ {2}added/);
  assert.equal(await phone.ok(["whoami"]), ada.id);

  await talk.write(`/link ${code}\n`);
  await talk.seen(/^(?!\/link).*\b(?:code|link)\b.*(?:used|unknown|expired|ten minutes|not wait|waits)/im);
  await talk.write("/revoke tablet\n");
  await talk.seen(/The account has no device "tablet"/);
  await talk.write("/revoke device\n");
  await talk.seen(/A device does not revoke itself/);
  await talk.write("/revoke phone\nphone\n");
  await talk.seen(/^phone is off your account$/m);
  await talk.write("/devices\n");
  await lineLike(talk, /this device$/);
  await talk.closeStdin();
  await talk.ended;
  const out = await phone.run(["send", mallory.id, "still me?", "--json"]);
  assert.equal(out.code, 77, out.stderr);
});

row("/delete-account wants the id, and the chat ends with the account", async () => {
  const eve = await world.member("eve", relay);
  await eve.ok(["fetch"]);
  const no = await chat(eve, ["/delete-account", "yes", "/whoami"]);
  assert.match(no.stderr, /This ends the account at this relay for ever[\s\S]*Nothing was changed/);
  assert.match(no.stdout, new RegExp(eve.id));
  const yes = await chat(eve, ["/delete-account", eve.id, "/whoami"]);
  assert.match(yes.stderr, /the account is deleted/);
  assert.doesNotMatch(yes.stdout, /device {2}SHA256/, "nothing is done after it");
  const sent = await mallory.run(["send", eve.id, "are you there?", "--json"]);
  assert.equal(sent.code, 77, sent.stderr);
});

row("/help knows each of them", async () => {
  const names = ["account", "devices", "link", "revoke", "block", "report", "recovery", "delete-account"];
  const { stdout } = await chat(mallory, ["/help", ...names.map((name) => `/help ${name}`)]);
  for (const name of names) assert.match(stdout, new RegExp(`^ *\\/${name}\\b.* {2}\\S`, "m"), name);
});
