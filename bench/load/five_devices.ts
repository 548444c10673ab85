/**
 * Load: messages to a person with five devices. `five_devices.ts ADDRESS DATABASE MESSAGES` (a process of its own); counts in
 * the relay's database what each message left there.
 * @module
 */
import Database from "better-sqlite3";
import { directGroupId } from "../../crypto/direct_group.ts";
import { Talker } from "../../tests/client/talker.ts";
import { percentile } from "../figure.ts";
import { selfCheck } from "./spawn.ts";

const [address, database, messages] = Deno.args;
const DEVICES = 5;
const at = { address } as Parameters<typeof Talker.join>[0];

await using ada = await Talker.join(at, 1);
await using bobs = new AsyncDisposableStack();
const devices: Talker[] = [];
for (let device = 0; device < DEVICES; device++) {
  devices.push(bobs.use(await Talker.join(at, 2, { device: 20 + device })));
}
await ada.say(devices[0], "hello"); // makes the conversation
for (const each of devices) {
  await each.hear();
  await each.person.groups.tend();
}
const room = await ada.room();
const group = directGroupId(ada.account, devices[0].account);
const before = rows();
const times: number[] = [];
for (let message = 0; message < Number(messages); message++) {
  const draft = ada.draft(`message ${message}`, "direct");
  const [{ envelopes }] = await ada.outbox.freeze(room.author, { group, recipient: devices[0].account }, [draft]);
  const sent = performance.now();
  const { members } = await room.relay.send(envelopes[0].envelope);
  times.push(performance.now() - sent);
  selfCheck(members?.length === DEVICES && members.every(({ error }) => error === null), "not all devices have it");
}
const after = rows();
for (const [at, each] of devices.entries()) {
  const heard = (await each.texts()).filter((text) => text.startsWith("message "));
  selfCheck(heard.length === Number(messages), `device ${at} read ${heard.length} of ${messages} messages`);
}
console.log(JSON.stringify({
  payloads: (after.payloads - before.payloads) / Number(messages),
  mailboxRows: (after.mailboxRows - before.mailboxRows) / Number(messages),
  p50: percentile(times, 50),
  p99: percentile(times, 99),
}));

function rows(): { payloads: number; mailboxRows: number } {
  const db = new Database(database, { readonly: true });
  try {
    const count = (table: string) => (db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
    return { payloads: count("payloads"), mailboxRows: count("messages") };
  } finally {
    db.close();
  }
}
