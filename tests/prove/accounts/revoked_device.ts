/**
 * A device is lost and revoked: with the whole of its disk, and the keys that it had, nothing that is said afterwards can
 * be read, whoever has the relay's disk too.
 * @module
 */
import { openMessage } from "../../../crypto/mls/message.ts";
import { asQightError } from "../../../proto/errors.ts";
import { Circle, type Member } from "../groups/circle.ts";
import { heldMessages } from "../groups/held_messages.ts";
import type { Finding, Row, Size } from "../row.ts";

/** Each round is an account of its own that loses one of two devices. */
export const revokedDevice: Row = {
  name: "revoked-device",
  property:
    "a revoked device's disk and keys open nothing that is said afterwards, also with the relay's disk and over kill -9; " +
    "it gets neither in nor mail, and those that stay read everything once",
  rounds: { ci: 1, night: 20 },
  run: prove,
};

const MESSAGES = 3;
const NOT_LISTED = 77;

async function prove(size: Size): Promise<Finding> {
  const counts = { revoked: 0, tried_with_old_keys: 0, opened: 0, commands_refused: 0, sent: 0, shown: 0 };
  const complaints: string[] = [];
  for (let round = 0; round < size.rounds; round++) {
    const found = await revokeOne(size, counts);
    complaints.push(...found.map((complaint) => `round ${round}: ${complaint}`));
  }
  return { counts, complaints };
}

async function revokeOne(size: Size, counts: Record<string, number>): Promise<string[]> {
  await using circle = await Circle.start(size);
  const broken: string[] = [];
  const bob = await circle.member("bob");
  const kept = await circle.member("kept");
  const lost = await circle.device(kept, "lost");
  const to = await circle.create(kept, [bob]);
  const database = `${circle.relay.dataDir}/relay.db`;
  let n = 0;
  const send = async (from: Member) => broken.push(...[await circle.send(from, to, n++) ?? []].flat());
  const read = async (...all: Member[]) => {
    for (const one of all) await readAll(circle, one);
  };
  await read(bob, lost, kept, lost);
  await send(bob);
  await read(lost, kept);
  const view = await circle.oneView([kept, lost, bob]);
  if (typeof view === "string") return [...broken, view];
  // Everything that the device knows of the conversation, with which it reads what is said until now.
  const saved = await (await circle.store(lost)).state(circle.group);
  await send(bob);
  const before = heldMessages(database);
  const readable = (await Promise.all(before.map(({ bytes }) => opens(saved, bytes)))).filter((opened) => opened);
  if (readable.length === 0) broken.push("the saved keys open nothing of what they should");
  await read(lost, kept);

  await circle.must(kept, "device", "revoke", await idOf(circle, lost), "-y");
  counts.revoked++;
  await circle.relay.kill();
  await circle.relay.start();
  await read(kept, bob, kept);
  for (const from of [bob, kept]) for (let each = 0; each < MESSAGES; each++) await send(from);
  const after = heldMessages(database);
  if (after.length < 2 * MESSAGES) broken.push(`${after.length} messages of afterwards are on the relay's disk`);
  for (const { bytes, epoch } of after) {
    counts.tried_with_old_keys++;
    if (!await opens(saved, bytes)) continue;
    counts.opened++;
    broken.push(`what was said in epoch ${epoch} opens with the keys of the revoked device`);
  }
  for (const args of [["fetch"], ["send", to, "it is me"], ["send", bob.id, "it is me"], ["key", "rotate"]]) {
    const { code, stdout } = await circle.run(lost, ...args);
    if (code === NOT_LISTED && stdout === "") counts.commands_refused++;
    else broken.push(`the revoked device's ${args[0]} ended with ${code}: ${stdout.trim()}`);
  }
  await read(kept, bob);
  const stay = await circle.oneView([kept, bob], view.epoch + 1);
  if (typeof stay === "string") broken.push(stay);
  const { complaints, sent, shown } = circle.verdict([kept, bob], [lost]);
  counts.sent += sent;
  counts.shown += shown;
  return [...broken, ...complaints];
}

/** `fetch --json` to the end of the mailbox, into the ledger. */
async function readAll(circle: Circle, member: Member): Promise<void> {
  for (const line of (await circle.must(member, "fetch", "--json")).split("\n")) {
    if (line === "") continue;
    const { type, id, seq, text } = JSON.parse(line);
    if (type !== "message") continue;
    member.ledger.add({ kind: "shown", text, id, seq, reader: member.name });
  }
}

async function idOf(circle: Circle, member: Member): Promise<string> {
  const lines = (await circle.must(member, "device", "list", "--json")).split("\n").map((line) => JSON.parse(line));
  return lines.find(({ current }) => current).id;
}

async function opens(saved: Parameters<typeof openMessage>[0], message: Uint8Array): Promise<boolean> {
  try {
    await openMessage(saved, message);
    return true;
  } catch (thrown) {
    if (asQightError(thrown).code === "internal") throw thrown;
    return false;
  }
}
