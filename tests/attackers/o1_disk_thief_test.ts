/**
 * O1, a thief of the disk or of a backup: without the passphrase there is nothing to read, and a forged backup is refused.
 * What a bad disk or a forger makes of a backup's bytes is swept in tests/relay/backup_test.ts and the row
 * `backup-under-load`; here one thief takes everything that lies around after two people have written to each other.
 * @module
 */
import assert from "node:assert/strict";
import { parseRootKey } from "../../relay/data_folder/root_key.ts";
import { filesBelow, Needles } from "./needles.ts";
import { openPostOffice } from "./post_office.ts";

const PASSPHRASE = "correct horse battery staple";

Deno.test({ name: "O1", sanitizeOps: false, sanitizeResources: false, fn: asThief });

async function asThief(t: Deno.TestContext): Promise<void> {
  await using office = await openPostOffice();
  const { relay, secrets, plain, world, ada } = office;
  const { operator } = world;
  const passphraseFile = operator.file("passphrase", `${PASSPHRASE}\n`);
  const own = new Needles().text("passphrase", PASSPHRASE)
    .bytes("the relay's root seed", parseRootKey(Deno.readTextFileSync(`${relay.dataDir}/root.key`), "root.key"));
  const present = new Needles().text("plain", plain);
  const people = new Needles().bytes("ada's device key", ada.deviceKey).bytes("ada's account", ada.accountHash);
  const backup = async (name: string, how: string[]) => {
    await operator.ok(["relay", "backup", operator.path(name), "--data-dir", relay.dataDir, ...how]);
    return Deno.readFileSync(operator.path(name));
  };

  await t.step("O1: a sealed backup gives away neither messages nor keys nor who is who", async () => {
    const sealed = await backup("sealed", ["--passphrase-file", passphraseFile]);
    for (const needles of [secrets, own, present, people]) assert.deepEqual(needles.in(sealed), []);
  });

  await t.step(
    "O1: a plain backup holds what the relay holds, and still no message and no key of anybody else",
    async () => {
      const bytes = await backup("plain", ["--plain"]);
      assert.deepEqual(present.in(bytes), ["plain"], "the search is blind");
      assert.deepEqual(people.in(bytes).sort(), ["ada's account", "ada's device key"], "the search is blind");
      assert.deepEqual(own.in(bytes), ["the relay's root seed"], "the search is blind");
      assert.deepEqual(secrets.in(bytes), []);
    },
  );

  await t.step("O1: a sealed backup with one flipped bit makes no relay", async () => {
    const bytes = Deno.readFileSync(operator.path("sealed"));
    bytes[bytes.length >> 1] ^= 0x10;
    const forged = operator.file("forged", bytes);
    const folder = operator.path("restored");
    const args = ["relay", "restore", forged, "--data-dir", folder, "--passphrase-file", passphraseFile];
    const { code, stderr } = await operator.run(args);
    assert.equal(code, 65, stderr);
    assert.throws(() => Deno.statSync(folder), Deno.errors.NotFound);
  });

  await t.step(
    "O1: a stolen data folder of a person with a passphrase shows no message and no key",
    async () => {
      await ada.ok(["key", "passwd", "--new-passphrase-file", ada.file("passphrase", `${PASSPHRASE}\n`)]);
      const files = [...filesBelow(ada.path("data"))];
      const named = files.map(({ path }) => path.slice(ada.path("data").length)).join(" ");
      assert.match(named, /identity\.key.*\.db|\.db.*identity\.key/);
      for (const { path, bytes } of files) {
        assert.deepEqual(secrets.in(bytes), [], path);
        assert.deepEqual(own.in(bytes), [], path);
      }
    },
  );
}
