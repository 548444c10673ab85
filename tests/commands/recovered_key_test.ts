/** The key file of a machine that recovers or is linked: never without a key that works, whatever is cut off. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { identityFrom, makeSecrets, saveIdentity } from "../../cli/identity.ts";
import type { OwnKey } from "../../cli/own_key.ts";
import { recoveredIdentity, savedBefore } from "../../cli/recovered_key.ts";
import { openKeyFile } from "../../client/storage/key_file.ts";
import { QightError } from "../../proto/errors.ts";

const seed = new Uint8Array(32).fill(7);

/** A machine with or without a key file, in a folder of its own. */
async function machine(isNew: boolean, run: (present: OwnKey, path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "qight-key-" });
  try {
    const path = join(folder, "identity.key");
    const identity = await identityFrom(makeSecrets(), path, null);
    if (!isNew) await saveIdentity(identity, { overwrite: false, now: 0 });
    await run({ identity, isNew }, path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Saves, and then fails so. */
const failing = (error: QightError) => async (save: () => Promise<void>) => {
  await save();
  throw error;
};

const refusal = new QightError("code_unknown", undefined, { requestId: "ab" });
const silence = new QightError("unreachable");

Deno.test("the account that a machine had is kept as a former one; a key that was made just now is not", async () => {
  await machine(false, async (present) => {
    const next = await recoveredIdentity(present, seed);
    assert.deepEqual(next.secrets.retired, [present.identity.secrets.accountSeed]);
    assert.deepEqual(next.device.publicKey, present.identity.device.publicKey);
    assert.equal((await recoveredIdentity({ identity: next, isNew: false }, seed)).secrets.retired?.length, 1);
  });
  await machine(true, async (present) => {
    assert.equal((await recoveredIdentity(present, seed)).secrets.retired, undefined);
  });
});

Deno.test("when the relay refuses, the former key file is back", async () => {
  await machine(false, async (present, path) => {
    const next = await recoveredIdentity(present, seed);
    await assert.rejects(savedBefore(present, next, failing(refusal)), { code: "code_unknown" });
    assert.equal((await openKeyFile(path, null)).account.id, present.identity.account.id);
  });
});

Deno.test("when the relay refuses a machine without a key, none is left behind", async () => {
  await machine(true, async (present, path) => {
    const next = await recoveredIdentity(present, seed);
    await assert.rejects(savedBefore(present, next, failing(refusal)), { code: "code_unknown" });
    for (const file of [path, `${path}.pub`]) await assert.rejects(Deno.stat(file), Deno.errors.NotFound);
  });
});

for (const isNew of [true, false]) {
  Deno.test(`when nobody knows whether the code was used up, the key file has the account (${isNew ? "new" : "old"})`, async () => {
    await machine(isNew, async (present, path) => {
      const next = await recoveredIdentity(present, seed);
      await assert.rejects(savedBefore(present, next, failing(silence)), (thrown: QightError) => {
        assert.equal(thrown.code, "unreachable");
        assert.match(thrown.message, /whether the code was used up is unknown/);
        assert.match(thrown.hint, /qight account codes/);
        return true;
      });
      assert.equal((await openKeyFile(path, null)).account.id, next.account.id);
    });
  });
}

Deno.test("what fails before the key file is written changes nothing", async () => {
  await machine(false, async (present, path) => {
    const next = await recoveredIdentity(present, seed);
    await assert.rejects(savedBefore(present, next, () => Promise.reject(silence)), { message: silence.message });
    assert.equal((await openKeyFile(path, null)).account.id, present.identity.account.id);
  });
});
