/** What the operator of a relay with accounts does and sees: names, suspensions, bans. @module */
import assert from "node:assert/strict";
import { RelayClient } from "../../client/relay_client.ts";
import { type Person as Somebody, person } from "../helpers/people.ts";
import { login, register, startLogin } from "../helpers/signing_in.ts";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
let relay: RunningRelay;
Deno.test.beforeAll(async () => {
  relay = await world.relay({ name: "accounts", env: { QIGHT_CFG__AUTH__MODE: "account" } });
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

const operator = world.person("account-operator");
const ask = (...args: string[]) => operator.ok(["relay", "account", ...args, "--data-dir", relay.dataDir]);
const connect = (who: Somebody, token?: string) =>
  RelayClient.connect(relay.address, { signer: who.device, ...(token === undefined ? {} : { token }) });
const code = (wanted: string) => (thrown: unknown) => (thrown as { code?: string }).code === wanted;

row(
  "relay account: the operator sees names, and suspends one, whose connections end at once, with the reason",
  async () => {
    const mallory = await person(77, Date.now());
    await using client = await connect(mallory);
    const token = await register(client, mallory, "mallory", "a long password");
    assert.match(await ask("list"), new RegExp(`^mallory  ${mallory.bundle.accountId}  20\\d\\d-`, "m"));
    assert.equal(JSON.parse(await operator.ok(["relay", "status", "--json", "--data-dir", relay.dataDir])).names, 1);

    assert.equal(await ask("suspend", "Mallory", "--for", "7d", "--reason", "spam"), mallory.bundle.accountId);
    await client.closed;
    await using again = await connect(mallory, token);
    await assert.rejects(
      again.capabilities(),
      (thrown: Error) => code("suspended")(thrown) && /spam/.test(thrown.message),
    );
    await assert.rejects(login(again, "mallory", "a long password"), code("suspended"), "the password does not help");
    await assert.rejects(startLogin(again, "mallory", "a guess"), code("suspended"), "nor is any looked at");
    assert.match(await ask("list"), /^mallory {2}.* {2}suspended$/m);
    const shown = JSON.parse(await ask("show", mallory.bundle.accountId, "--json"));
    assert.deepEqual([shown.name, shown.state, shown.reason, shown.sessions], ["mallory", "suspended", "spam", 0]);
    assert.equal(shown.devices.length, 1);

    await ask("reopen", "mallory");
    await using back = await connect(mallory);
    await login(back, "mallory", "a long password");
    await back.capabilities();

    await ask("ban", mallory.bundle.accountId);
    await back.closed;
    const audit = (await Deno.readTextFile(`${relay.dataDir}/audit.log`)).trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    const events = audit.map(({ event }) => event).filter((event: string) => event.startsWith("account."));
    assert.deepEqual(events, ["account.suspend", "account.reopen", "account.ban"]);
    assert.match(await ask("show", "mallory"), /^state +banned$/m);
  },
);

row("relay account: a name that nobody has, and an account that is not closed, are said so", async () => {
  const unknown = await operator.run(["relay", "account", "ban", "nobody", "--data-dir", relay.dataDir, "--json"]);
  assert.deepEqual([unknown.code, errorOf(unknown).code], [67, "no_such_recipient"]);
  const open = await operator.run([
    "relay",
    "account",
    "reopen",
    (await person(78, Date.now())).account.id,
    "--data-dir",
    relay.dataDir,
    "--json",
  ]);
  assert.deepEqual([open.code, errorOf(open).code], [64, "usage"]);
});
