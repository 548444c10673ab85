/**
 * The program is replaced by a newer one: every earlier schema opens with all that was in it.
 * @module
 */
import { complaints } from "../checker.ts";
import { must, person, qight } from "../processes.ts";
import type { Finding, Row, Size } from "../row.ts";
import { countsOf, Crowd, type Member, until } from "./crowd.ts";
import { clientSchemas, refuseNewerStore, upgradeStore } from "./upgrade_client.ts";
import { operatorsLists, refuseNewerRelay, relaySchemas, upgradeRelays } from "./upgrade_relay.ts";

/** Rounds are messages in the database. */
export const upgrade: Row = {
  name: "upgrade",
  property:
    "databases of every earlier schema, relay and client, open with all that is in them; newer ones are refused",
  rounds: { ci: 60, night: 5000 },
  run: prove,
};

async function prove(size: Size): Promise<Finding> {
  await using crowd = await Crowd.start();
  const broken: string[] = [];
  const keeper = await crowd.member("keeper");
  const writer = await crowd.member("writer");
  const home = crowd.inside("post");

  // Mail read and unread, a token, an account on the list: something for every table.
  const lines = crowd.lines(writer, keeper.id, { window: 32, perSecond: 1000 });
  await until(() => lines.acknowledged >= size.rounds / 2, 60_000);
  await fetchAll(keeper);
  const read = lines.acknowledged;
  await until(() => lines.acknowledged >= read + size.rounds / 2, 60_000);
  broken.push(...await lines.finish(30_000));
  const operator = { env: person(home, "") };
  await must(qight("relay", "token", "add", "--name", "door", "--data-dir", crowd.relay.dataDir), operator);
  await must(qight("relay", "allow", "add", keeper.id, "--data-dir", crowd.relay.dataDir), operator);
  const lists = await operatorsLists(crowd.relay.dataDir, home);
  if (await crowd.relay.stop() !== 0) broken.push("the relay did not end with 0");
  let rows = await upgradeRelays(crowd, { keeper, writer, lists }, broken);
  await refuseNewerRelay(crowd, broken);
  // Not before: the copies above have the same root key, so one of them would have taken it.
  await queue(writer, keeper, "queued while the relay was down");
  for (const member of [keeper, writer]) rows += await upgradeStore(member, broken);
  await refuseNewerStore(keeper, broken);

  // The first relay again, the upgraded stores: what was queued goes out, what was unread comes, nothing comes twice.
  await crowd.relay.start();
  await must(qight("fetch", "--json"), { env: writer.env });
  await fetchAll(keeper);
  const verdict = crowd.verdict();
  return {
    counts: { relay_schemas: relaySchemas, client_schemas: clientSchemas, rows, ...countsOf(verdict) },
    complaints: [...broken, ...complaints(verdict)],
  };
}

/** A promise of `send --queue` that a later command of the newer program keeps. */
async function queue({ env, ledger }: Member, to: Member, text: string): Promise<void> {
  ledger.add({ kind: "intent", text, sender: "queue", n: 0 });
  const id = await must(qight("send", "--sealed", to.id, text, "--queue"), { env });
  ledger.add({ kind: "ack", text, sender: "queue", n: 0, id });
}

async function fetchAll({ name, env, ledger }: Member): Promise<void> {
  for (const line of (await must(qight("fetch", "--json"), { env })).split("\n")) {
    if (line === "") continue;
    const { type, text, id, seq } = JSON.parse(line);
    if (type === "message") ledger.add({ kind: "shown", text, id, seq, reader: name });
  }
}
