/** qight account recover and codes: the way back in, and those who have no right to it. @module */
import assert from "node:assert/strict";
import { RelayClient } from "../../client/relay_client.ts";
import { openKeyFile } from "../../client/storage/key_file.ts";
import { parseAccountId } from "../../crypto/account.ts";
import { formatRecoveryCode } from "../../crypto/recovery_code.ts";
import { row } from "./harness.ts";
import { assertFails, keyPath, namedWorld, shown } from "./named_people.ts";

const { world, named, open, machine, registered } = await namedWorld();
const CODE = /^qrc1[a-z0-9]{32}$/;

row("where a relay keeps no names: register and login say so, codes and recovery work", async () => {
  const user = await world.member("plain", open, { QIGHT_TIMEOUT: "120s" });
  const file = user.file("password", "a long password");
  assertFails(await user.run(["account", "register", "plain", "--password-file", file, "--json"]), 77, "no_accounts");
  assertFails(await user.run(["account", "login", "plain", "--password-file", file, "--json"]), 77, "no_accounts");
  assertFails(await user.run(["account", "passwd", "--password-file", file, "--json"]), 77, "no_accounts");
  assertFails(await user.run(["contact", "add", "someone", "--json"]), 77, "no_accounts");
  const mate = await world.member("mate", open, { QIGHT_TIMEOUT: "120s" });
  await user.ok(["group", "create", "team", mate.id]);
  const codes = (await user.ok(["account", "codes"])).split("\n");
  assert.equal(codes.length, 8);
  const about = await shown(user);
  assert.deepEqual([about.name, about.signed_in, about.recovery_codes], [null, null, 8]);
  const next = machine("plain2", open);
  const code = next.file("code", codes[3].toUpperCase());
  const recovered = await next.run(
    ["account", "recover", user.id, "--no-passphrase", "--code-file", code, "-y", "--json"],
  );
  const out = JSON.parse(recovered.stdout);
  assert.match(recovered.stderr, /conversations that this device is in again: 1/);
  await mate.ok(["fetch"]);
  await mate.ok(["send", "#team", "welcome back"]);
  assert.match(await next.ok(["fetch"]), /#team \S+ {2}welcome back$/);
  assert.deepEqual([out.id, out.name, out.codes.length], [user.id, null, 8]);
  assert.equal((await shown(next)).devices, 2);
});

row("recover on a clean machine: contacts come back, mail reaches it, the old codes and password end", async () => {
  const [ann, bea] = await Promise.all([registered("recann"), registered("recbea")]);
  await ann.ok(["contact", "add", "bea", bea.id]);
  await bea.ok(["contact", "add", "ann", ann.id]);
  await ann.ok(["group", "create", "ops", "bea"]);
  await bea.ok(["fetch"]);
  const codes = (await ann.ok(["account", "codes"])).split("\n");
  const next = machine("recann2");
  const [stale, code] = [next.file("stale", ann.codes[0]), next.file("code", `\n ${codes[0]}\n`)];
  const password = next.file("password", "another password");
  const recover = (name: string, from: string, ...more: string[]) =>
    next.run([
      "account",
      "recover",
      name,
      "--no-passphrase",
      "--code-file",
      from,
      "--password-file",
      password,
      ...more,
    ]);
  assertFails(await recover("recann", stale, "-y", "--json"), 65, "code_unknown");
  assertFails(await recover("recann", code, "--json"), 64, "usage");
  const done = await recover("recann", code, "--revoke-others", "-y");
  assert.equal(done.code, 0, done.stderr);
  assert.equal(done.stdout.trimEnd().split("\n").filter((line) => CODE.test(line)).length, 8);
  assert.match(done.stderr, /Comes back: the account, contacts \(1\) and conversations \(1\)/);
  assert.match(done.stderr, /Does not: history, files/);
  assert.equal(await next.ok(["whoami"]), ann.id);
  assert.match(await next.ok(["contact", "list"]), /^bea {2}qid1/);
  assert.deepEqual([(await shown(next)).devices, (await shown(next)).signed_in], [1, 1]);
  // The lost device is off the list and out, whatever it knows.
  assert.notEqual((await ann.run(["fetch"])).code, 0);
  assertFails(await recover("recann", code, "-y", "--json"), 65, "code_unknown");
  await bea.ok(["fetch"]);
  await bea.ok(["send", "ann", "are you back?"]);
  const texts = (await next.ok(["fetch", "--json"])).split("\n").map((line) => JSON.parse(line).text);
  assert.ok(texts.includes("are you back?"), `${texts}`);
  await bea.ok(["fetch"]);
  await bea.ok(["send", "#ops", "and in ops?"]);
  const inOps = (await next.ok(["fetch", "--json"])).split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(inOps.map(({ in: where, text }) => [where, text]), [["#ops", "and in ops?"]]);
  await next.ok(["account", "logout"]);
  assertFails(
    await next.run(["account", "login", "recann", "--password-file", ann.password, "--json"]),
    77,
    "wrong_password",
  );
  await next.ok(["account", "login", "recann", "--password-file", password]);
});

row(
  "regression: who recovers and revokes all other devices is in the groups at once, before anybody there reads",
  async () => {
    const [owner, mate] = await Promise.all([
      world.member("seatowner", open, { QIGHT_TIMEOUT: "120s" }),
      world.member("seatmate", open, { QIGHT_TIMEOUT: "120s" }),
    ]);
    await owner.ok(["group", "create", "crew", mate.id]);
    await mate.ok(["fetch"]);
    const [code] = (await owner.ok(["account", "codes"])).split("\n");
    const next = machine("seatowner2", open);
    const done = await next.run(
      [
        "account",
        "recover",
        owner.id,
        "--no-passphrase",
        "--code-file",
        next.file("code", code),
        "--revoke-others",
        "-y",
      ],
    );
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stderr, /conversations that this device is in again: 1\n/);
    assert.match(done.stderr, /devices that lost their place on the list: 1\n/);
    // The lost one is out of list and group, and may send there no more.
    assert.equal((await shown(next)).devices, 1);
    assertFails(await owner.run(["send", "#crew", "still here", "--json"]), 77, "not_listed");
    await next.ok(["send", "#crew", "back"]);
    assert.match(await mate.ok(["fetch"]), /#crew \S+ {2}back$/);
    await mate.ok(["send", "#crew", "good"]);
    assert.match(await next.ok(["fetch"]), /#crew \S+ {2}good$/);
  },
);

row("a code opens nothing under another account's name, and is still good afterwards", async () => {
  const [real, other] = await Promise.all([registered("realone"), registered("otherone")]);
  const next = machine("mixed");
  const code = next.file("code", real.codes[0]);
  const password = next.file("password", "another password");
  const recover = (whose: string) =>
    next.run(
      [
        "account",
        "recover",
        whose,
        "--no-passphrase",
        "--code-file",
        code,
        "--password-file",
        password,
        "-y",
        "--json",
      ],
    );
  for (const whose of ["otherone", other.id]) {
    const { message } = assertFails(await recover(whose), 64, "bad_code");
    assert.ok(message.includes(real.id), message);
  }
  await assert.rejects(Deno.stat(keyPath(next)), Deno.errors.NotFound, "no key was left behind");
  assert.equal((await recover("realone")).code, 0);
});

row("a code that is none, or guessed, lets nobody in", async () => {
  const guesser = machine("guesser");
  const recover = (text: string) => {
    const args = ["account", "recover", "realone", "--no-passphrase", "--code-file", "-", "-y", "--json"];
    return guesser.run(args, { stdin: text });
  };
  for (const text of ["", "qrc1", "qid1abc", "correct horse", `qrc1${"q".repeat(32)}`]) {
    assertFails(await recover(text), 64, "bad_code");
  }
  // A well-formed one, of 16 zero bytes.
  assertFails(await recover(formatRecoveryCode(new Uint8Array(16))), 65, "code_unknown");
});

row(
  "recovering on a machine that has a key keeps its account as a former one, and puts it back when refused",
  async () => {
    const user = await registered("mover");
    const machineOf = await registered("hasone");
    const before = await openKeyFile(keyPath(machineOf), null);
    const [used, good] = [machineOf.file("used", user.codes[1]), machineOf.file("good", user.codes[2])];
    const password = machineOf.file("newpass", "another password");
    await machineOf.ok(["contact", "add", "mover"]);
    await machineOf.ok(["send", "mover", "written as the former one"]);
    const recover = (code: string) =>
      machineOf.run(["account", "recover", "mover", "--code-file", code, "--password-file", password, "-y", "--json"]);
    const done = await recover(used);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stderr, /1 contact, which stay/);
    assert.match(done.stderr, /1 conversation, which this device leaves/);
    const after = await openKeyFile(keyPath(machineOf), null);
    assert.equal(after.account.id, user.id);
    assert.deepEqual(after.device.publicKey, before.device.publicKey);
    assert.deepEqual(after.secrets.retired, [before.secrets.accountSeed]);
    assertFails(await recover(good), 65, "code_unknown");
    assert.equal(await machineOf.ok(["whoami"]), user.id);
    await using client = await RelayClient.connect(named.address, { signer: before.device });
    await assert.rejects(client.getBundle({ account: parseAccountId(machineOf.id) }), { code: "login_needed" });
  },
);
