/**
 * A device is signed out, suspended or revoked in the very moment in which it comes in: it stays out.
 * @module
 */
import assert from "node:assert/strict";
import { adminCall } from "../../relay/admin.ts";
import { Blocks } from "../../relay/blocks.ts";
import { openConfiguredStore } from "../../relay/relay.ts";
import type { AccountStore, StoredBundle } from "../../relay/storage/store.ts";
import { parseEnvelope } from "../../crypto/envelope.ts";
import { deviceNumber } from "../helpers/device_lists.ts";
import { envelope, person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { calls, register, startLogin } from "../helpers/signing_in.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const [ada, eve] = await Promise.all([1, 2].map((number) => person(number, NOW)));

/** A relay with passwords whose store holds the answer of one of its account calls back until the test lets it go. */
async function holding(call: "session" | "putSession") {
  let held: PromiseWithResolvers<void> | null = null;
  const reached = Promise.withResolvers<void>();
  const relay = await testRelay({
    now: () => NOW,
    auth: { mode: "account" },
    openStore: async (...how) => {
      const store = await openConfiguredStore(...how);
      const asked = store.accounts[call].bind(store.accounts) as (...args: unknown[]) => Promise<unknown>;
      const slow = async (...args: unknown[]) => {
        const answer = await asked(...args);
        if (held) reached.resolve();
        await held?.promise;
        return answer;
      };
      Object.defineProperty(store.accounts, call, { value: slow });
      return store;
    },
  });
  return {
    relay,
    hold: () => held = Promise.withResolvers<void>(),
    reached: reached.promise,
    letGo: () => held?.resolve(),
  };
}

Deno.test("regression: who is signed out while a second connection of theirs says hello is not let in by that one", async () => {
  const { relay, hold, reached, letGo } = await holding("session");
  await using _ = relay;
  await using first = await relay.connect(ada);
  const token = await register(first, ada, "ada", "a long password");
  hold();
  const second = refusal(async () => {
    await using late = await relay.connect(ada, { token });
    await late.rpc.unary(calls.listDevices, {});
  });
  await reached;
  await first.rpc.unary(calls.logout, {});
  letGo();
  assert.equal((await second).code, "login_needed");
});

Deno.test("regression: who is suspended while the password is looked at is not let in by that login", async () => {
  const { relay, hold, reached, letGo } = await holding("putSession");
  await using _ = relay;
  await using owner = await relay.connect(ada);
  await register(owner, ada, "ada", "a long password");
  await using again = await relay.connect(ada);
  const { login, finish } = await startLogin(again, "ada", "a long password");
  hold();
  const answer = refusal(() => again.rpc.unary(calls.loginFinish, { login, finish: finish! }));
  await reached;
  await adminCall(`${relay.config.dataDir}/admin.sock`, "account.suspend", { who: "ada" });
  letGo();
  assert.equal((await answer).code, "suspended");
  assert.equal((await refusal(() => again.rpc.unary(calls.listDevices, {}))).code, "suspended");
});

Deno.test("regression: a block that a revoked device had under way does not let it write again", async () => {
  const phone = await deviceNumber(11);
  const [account, laptop] = [ada.account.hash, ada.device.publicKey];
  const listed: StoredBundle = { account, version: 1, bundle: ada.bundle.bytes, devices: [laptop, phone.publicKey] };
  const read = Promise.withResolvers<StoredBundle>();
  const accounts = {
    block: () => Promise.resolve(true),
    blocks: () => Promise.resolve([]),
    offLists: () => Promise.resolve([]),
  };
  const blocks = await Blocks.load({
    bundleOfAccount: () => read.promise,
    bundleOfDevice: () => Promise.resolve(null),
    accounts: accounts as unknown as AccountStore,
  }, () => 0);
  const underWay = blocks.block(account, eve.account.hash);
  blocks.listChanged(account, [laptop], [phone.publicKey]);
  read.resolve(listed);
  await underWay;
  const message = parseEnvelope(await envelope({ ...ada, device: phone }, eve, NOW));
  assert.throws(() => blocks.check(message), { code: "not_listed" });
});
