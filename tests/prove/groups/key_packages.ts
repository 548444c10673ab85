/**
 * Somebody claims a victim's KeyPackages as fast as it can, across kills of the relay: each is handed out once, and the
 * victim stays reachable.
 * @module
 */
import { asQightError } from "../../../proto/errors.ts";
import { GroupCalls } from "../../../client/group_calls.ts";
import { RelayClient } from "../../../client/relay_client.ts";
import { GroupPerson } from "../../client/group_people.ts";
import { after } from "../lifecycle/crowd.ts";
import { seeded } from "../random.ts";
import type { Finding, Row, Size } from "../row.ts";
import { Circle, type Member } from "./circle.ts";

/** Each round is an attacker; all of them claim until a thousand claims a head were made, in every life of the relay. */
export const keyPackages: Row = {
  name: "key-packages",
  property:
    "claims are limited, single-use KeyPackages go out once also across kill -9, the last resort stays, stock comes back",
  rounds: { ci: 1, night: 100 },
  run: prove,
};

const SUITE = 83;
const CLAIMS = 1000;
/** A hundred packages at 30 for each life of the relay, which forgets how many it gave to whom. */
const KILLS = 4;
const AT_ONCE = 8;
/** What one device may claim of one account at once, and what comes back to it within a minute. */
const MAX_GRANTED = 32;
const FULL_STOCK = 100;
const PATIENCE_MS = 90_000;

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  await using circle = await Circle.start(size);
  const [victim, friend] = await circle.members(["victim", "friend"]);
  const peace = circle.follow(victim);
  const broken: string[] = [];
  if (!await stocked(circle, victim)) broken.push(`a program that stays did not make ${FULL_STOCK} packages`);
  broken.push(...await peace.struck());

  await using stack = new AsyncDisposableStack();
  const attackers: GroupPerson[] = [];
  for (let n = 0; n < size.rounds; n++) {
    attackers.push(stack.use(await GroupPerson.join(circle.relay, 200 + n, { packages: null })));
  }
  const account = (await circle.store(victim)).identity.account.hash;
  const handed = new Map<string, number>();
  let claims = 0, limited = 0, unknown = 0, lastResorts = 0;
  const share = Math.ceil(CLAIMS / (KILLS + 1));
  for (let life = 0; life <= KILLS; life++) {
    const striking = life < KILLS;
    await using sessions = new AsyncDisposableStack();
    const clients: RelayClient[] = [];
    for (const { identity: { signer } } of attackers) {
      clients.push(sessions.use(await RelayClient.connect(circle.relay.address, { signer, timeoutMs: 5_000 })));
    }
    const lives = clients.map(async (client) => {
      const calls = new GroupCalls(client.rpc);
      let left = striking ? share : CLAIMS, granted = 0;
      const claim = async () => {
        while (left-- > 0) {
          claims++;
          try {
            const { packages } = await calls.claimKeyPackages(account, SUITE);
            granted++;
            if (packages.length !== 1) broken.push(`a claim was answered with ${packages.length} packages`);
            for (const { keyPackage, lastResort } of packages) {
              if (lastResort) lastResorts++;
              else handed.set(keyPackage.toHex(), (handed.get(keyPackage.toHex()) ?? 0) + 1);
            }
          } catch (thrown) {
            const error = asQightError(thrown);
            if (error.code === "rate_limited") limited++;
            else if (striking && ["unreachable", "timeout"].includes(error.code)) {
              unknown++;
              return;
            } else throw thrown;
          }
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, claim));
      if (granted > MAX_GRANTED) broken.push(`one device got ${granted} packages of one account at once`);
    });
    if (striking) {
      await after(20 + random() * 60);
      await circle.relay.kill();
      await circle.relay.start();
    }
    await Promise.all(lives);
  }
  const twice = [...handed.values()].filter((times) => times > 1).length;
  if (handed.size === 0 || unknown === 0) {
    broken.push(`${handed.size} packages were handed out, and ${unknown} claims were under way at the kills`);
  }
  if (twice > 0) broken.push(`${twice} KeyPackages were handed out twice`);
  const { singleUse } = await countOf(circle, victim);

  // The stock is gone, and who was away is reachable still, by somebody who never asked before.
  const refused = await circle.send(friend, victim.id, 0);
  if (refused) broken.push(`the victim could not be reached: ${refused}`);
  const back = circle.follow(victim);
  if (!await stocked(circle, victim)) broken.push("the stock was not filled up again");
  while (back.shown === 0 && back.quietMs < PATIENCE_MS) await after(50);
  broken.push(...await back.finish());
  const via = victim.told.filter(({ type }) => type === "unreadable").length;
  if (via > 0) broken.push(`the victim could not read ${via} messages`);
  const verdict = circle.verdict([victim]);
  return {
    counts: {
      ...{ attackers: size.rounds, kills: KILLS, claims, handed_out: handed.size, twice, limited, unknown },
      ...{ last_resorts: lastResorts, left: singleUse, shown: verdict.shown },
    },
    complaints: [...broken, ...verdict.complaints],
  };
}

/** Waits until the relay has a full stock of this member. */
async function stocked(circle: Circle, member: Member): Promise<boolean> {
  const deadline = performance.now() + PATIENCE_MS;
  while ((await countOf(circle, member)).singleUse < FULL_STOCK) {
    if (performance.now() > deadline) return false;
    await after(200);
  }
  return true;
}

async function countOf(circle: Circle, member: Member) {
  const { identity } = await circle.store(member);
  await using client = await RelayClient.connect(circle.relay.address, { signer: identity.device });
  return await new GroupCalls(client.rpc).countKeyPackages(SUITE);
}
