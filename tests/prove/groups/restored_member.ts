/**
 * A member's folder is put back from an old copy: it joins anew before it encrypts, so no key is used a second time.
 * @module
 */
import type { Finding, Row, Size } from "../row.ts";
import { Circle, type Member, troubles } from "./circle.ts";
import { heldMessages } from "./held_messages.ts";

/** Each round copies the folder, sends on, puts the copy back and sends again. */
export const restoredMember: Row = {
  name: "restored-member",
  property: "a sender put back from an old copy joins anew before it encrypts, says so, and uses no generation twice",
  rounds: { ci: 2, night: 20 },
  run: prove,
};

/** Messages after the copy was taken, whose keys the copy has too, and after it was put back. */
const SENT_ON = 3;

async function prove(size: Size): Promise<Finding> {
  await using circle = await Circle.start(size);
  const [ada, bob] = await circle.members(["ada", "bob"]);
  const to = await circle.create(ada, [bob]);
  const broken: string[] = [];
  let n = 0;
  const send = async (times: number) => {
    for (let left = times; left > 0; left--) broken.push(...[await circle.send(ada, to, n++) ?? []].flat());
  };
  await send(1);
  await read(circle, bob);
  let healed = 0;
  for (let round = 0; round < size.rounds; round++) {
    await circle.close(ada);
    const old = `${circle.inside("copies")}/${round}`;
    await copyFolder(ada.env.XDG_DATA_HOME, old);
    await send(SENT_ON);
    const before = (await circle.view(ada))!.epoch;
    await circle.close(ada);
    await read(circle, bob);
    await Deno.remove(ada.env.XDG_DATA_HOME, { recursive: true });
    await copyFolder(old, ada.env.XDG_DATA_HOME);
    await send(SENT_ON);
    // What the relay holds for the other member was made since the copy came back.
    const held = heldMessages(`${circle.relay.dataDir}/relay.db`).map(({ epoch }) => epoch);
    if (held.length < SENT_ON) broken.push(`round ${round}: the relay holds ${held.length} messages of ${SENT_ON}`);
    const reused = held.filter((epoch) => epoch <= before);
    if (reused.length > 0) broken.push(`round ${round}: ${reused.length} messages under keys of epoch ${before}`);
    await read(circle, bob);
    const told = (await circle.must(ada, "fetch", "--json", "--events")).split("\n").filter((line) => line !== "");
    const said = told.some((line) => JSON.parse(line).event === "healed" && JSON.parse(line).why === "restored");
    if (said) healed++;
    else broken.push(`round ${round}: nobody was told that the copy is old: ${told.join(" | ")}`);
    const view = await circle.oneView([ada, bob], before + 1);
    if (typeof view === "string") broken.push(`round ${round}: ${view}`);
  }
  const { sent, shown, complaints } = circle.verdict([bob]);
  return {
    counts: { copies: size.rounds, healed, sent, shown },
    complaints: [...broken, ...troubles([bob], ["lineage"]), ...complaints],
  };
}

/** `fetch --json --events` to the end of the mailbox, into ledger and events. */
async function read(circle: Circle, member: Member): Promise<void> {
  for (const line of (await circle.must(member, "fetch", "--json", "--events")).split("\n")) {
    if (line === "") continue;
    const event = JSON.parse(line);
    const { type, id, seq, text } = event;
    if (type === "message") member.ledger.add({ kind: "shown", text, id, seq, reader: member.name });
    else member.told.push(event);
  }
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { mode: 0o700 });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
