/** What commands about groups say when something is wrong with a group or with who shall come into it. @module */
import assert from "node:assert/strict";
import { formatAccountId, parseAccountId } from "../../crypto/account.ts";
import { formatInviteWords } from "../../crypto/invite_code.ts";
import { commit } from "../../crypto/mls/commit.ts";
import { createGroup } from "../../crypto/mls/create.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { systemClock } from "../../client/clock.ts";
import { makeInvite } from "../../client/invites.ts";
import { GroupPerson, RELAY_NAME } from "../client/group_people.ts";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
let relay: RunningRelay;
let bob: Awaited<ReturnType<World["member"]>>;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  bob = await world.member("bob", relay, { QIGHT_TIMEOUT: "60s" });
  await bob.ok(["fetch"]);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

async function failure(args: readonly string[], stdin?: string) {
  return errorOf(await bob.run([...args, "--json"], stdin === undefined ? {} : { stdin }));
}

row("somebody whose device has no KeyPackage cannot be added, and then there is no group", async () => {
  await using old = await GroupPerson.join(relay, 41, { packages: null });
  const error = await failure(["group", "create", "early", formatAccountId(old.account)]);
  assert.equal(error.code, "no_key_package");
  assert.equal(error.exit, 67);
  assert.match(error.message, /^No device of qid1\w+ can be added to a conversation yet/);
  assert.equal(await bob.ok(["group", "list"]), "");
});

row("an invite into a group that is not what it says is refused", async () => {
  await using mal = await GroupPerson.join(relay, 42);
  const group = crypto.getRandomValues(new Uint8Array(32));
  const data = { name: "trap", creator: mal.account, admins: [], direct: null, disappearAfterS: 0 };
  const { groupInfo } = await createGroup({ suite: 83, group, owner: mal.owner, data, nowMs: Date.now() });
  groupInfo.fill(7, -40);
  await mal.calls.createGroup({ group, suite: 83, directWith: null, groupInfo });
  const joinKey = crypto.getRandomValues(new Uint8Array(32));
  await mal.calls.putJoinKey(group, await sha256(joinKey), 600);
  const secret = crypto.getRandomValues(new Uint8Array(16));
  await makeInvite({ relay: mal.relay, store: mal.store, clock: systemClock }, {
    ...{ secret, maker: mal.account, relayName: RELAY_NAME, ttlS: 600, name: "mal", contactName: "bob" },
    group: { group, joinKey, name: "trap" },
  });
  const error = await failure(["invite", "accept", "-"], formatInviteWords(secret));
  assert.equal(error.code, "bad_group_message");
  assert.equal(error.exit, 65);
  assert.equal(await bob.ok(["group", "list"]), "");
});

row("a group whose newest change breaks the rules waits for the others' word, and says so", async () => {
  await using ana = await GroupPerson.join(relay, 43);
  await using mal = await GroupPerson.join(relay, 44);
  await using eve = await GroupPerson.join(relay, 45);
  const { group } = await ana.groups.create("ops", [parseAccountId(bob.id), mal.account, eve.account]);
  await bob.ok(["fetch"]);
  await mal.read();
  const loaded = await mal.store.write((tables) => mal.groups.states.load(tables, RELAY_NAME, group));
  const made = await commit(loaded!.state, { nowMs: Date.now() });
  const { epoch, roster } = await mal.calls.getGroup(group);
  made.commit.fill(7, -40);
  const rest = { welcome: null, welcomed: [], groupInfo: made.groupInfo };
  await mal.calls.commit({ group, epoch, roster, commit: made.commit, ...rest });
  const error = await failure(["group", "invite", "ops", formatAccountId(mal.account)]);
  assert.equal(error.code, "stale_epoch");
  assert.equal(error.exit, 75);
  assert.match(error.message, /waits for a change to be taken back/);
  // The owner's word is enough.
  await ana.read();
  assert.match(await bob.ok(["group", "show", "ops"]), /^#ops {2}4 members/);
  await ana.groups.rename(group, "calm");
  await bob.ok(["fetch"]);
  assert.match(await bob.ok(["group", "list"]), /^#calm/);
});
