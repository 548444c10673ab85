/**
 * Load of groups at a relay. `group.ts large ADDRESS MEMBERS MESSAGES` makes a group of so many and sends to it;
 * `group.ts away ADDRESS MESSAGES EPOCHS` lets one member find all that at once (a process of its own).
 * @module
 */
import { Talker } from "../../tests/client/talker.ts";
import { percentile } from "../figure.ts";
import { selfCheck } from "./spawn.ts";

const [task, address, ...numbers] = Deno.args;
const at = { address } as Parameters<typeof Talker.join>[0];
console.log(JSON.stringify(await (task === "large" ? large : away)(...numbers.map(Number) as [number, number])));

/** The first of `members` makes a group of all; then `messages` go into it, one after the other. */
async function large(members: number, messages: number) {
  await using ada = await Talker.join(at, 1);
  const accounts = [];
  let last: Talker | null = null;
  for (let seed = 2; seed <= members; seed++) {
    const talker = await Talker.join(at, seed, { packages: 1 });
    accounts.push(talker.account);
    if (seed === members) last = talker;
    else await talker[Symbol.asyncDispose]();
  }
  const began = performance.now();
  const { group } = await ada.person.groups.create("everybody", accounts);
  const makeS = (performance.now() - began) / 1000;
  await using bob = last!;
  const joining = performance.now();
  await bob.person.groups.tend();
  const joinS = (performance.now() - joining) / 1000;
  selfCheck((await bob.person.groups.show(group)).members.length === members, "not all are in");
  const room = await ada.room();
  const author = room.author;
  const times: number[] = [];
  for (let message = 0; message < messages; message++) {
    const draft = ada.draft(`message ${message}`, "group");
    const [{ envelopes }] = await ada.outbox.freeze(author, { group, recipient: group }, [draft]);
    const sent = performance.now();
    const { members: each } = await room.relay.send(envelopes[0].envelope);
    times.push(performance.now() - sent);
    selfCheck(each?.length === members - 1 && each.every(({ error }) => error === null), "not all have it");
  }
  return { makeS, joinS, p50: percentile(times, 50), p99: percentile(times, 99) };
}

/** One member says `messages` over `epochs` epochs; then the other one reads. */
async function away(messages: number, epochs: number) {
  await using ada = await Talker.join(at, 1);
  await using bob = await Talker.join(at, 2);
  const { group } = await ada.person.groups.create("log", [bob.account]);
  await bob.person.groups.tend();
  const { author, relay } = await ada.room();
  const began = performance.now();
  for (let sent = 0, epoch = 0; sent < messages; epoch++) {
    if (epoch > 0) await ada.person.groups.renewKeys(group);
    const count = Math.min(Math.ceil(messages / epochs), messages - sent);
    const drafts = Array.from({ length: count }, (_, n) => ada.draft(`message ${sent + n}`, "group"));
    const frozen = await ada.outbox.freeze(author, { group, recipient: group }, drafts);
    const outcomes = await Array.fromAsync(relay.sendMany(frozen.map(({ envelopes }) => envelopes[0].envelope)));
    selfCheck(outcomes.every(({ kind }) => kind === "accepted"), "not all were accepted");
    sent += count;
  }
  const sendS = (performance.now() - began) / 1000;
  const before = Deno.memoryUsage().rss;
  let peak = before;
  const reading = performance.now();
  const inbox = bob.inbox();
  let read = 0;
  for await (const page of inbox.pages()) {
    const said = page.filter((event) => event.type === "message");
    if (said.length === 0) continue;
    const mine = await inbox.printing(...said);
    await inbox.shown(...mine);
    read += mine.length;
    peak = Math.max(peak, Deno.memoryUsage().rss);
  }
  const readS = (performance.now() - reading) / 1000;
  selfCheck(read === messages, `${read} of ${messages} messages came`);
  return { sendS, readS, moreMb: (peak - before) / 2 ** 20 };
}
