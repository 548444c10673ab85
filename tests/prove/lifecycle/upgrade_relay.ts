/**
 * The relay's database in every earlier schema, opened and served by the present relay; one from the future is refused.
 * @module
 */
import { currentSchema, migrate, migrations } from "../../../relay/storage/migrations/migrate.ts";
import { integrityOfCopy } from "../integrity.ts";
import { must, person, qight, run } from "../processes.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Crowd, Member } from "./crowd.ts";
import { differences, makeOld, open, rowsOf, sizeOf } from "./old_schema.ts";

const VERSION_TABLE = "schema_version";

/** Schemas that the relay has had. */
export const relaySchemas: number = migrations.length;

/** Upgrades copies of the stopped relay's database; answers how many rows they had. */
export async function upgradeRelays(
  crowd: Crowd,
  { keeper, writer, lists }: { keeper: Member; writer: Member; lists: string },
  broken: string[],
): Promise<number> {
  let rows = 0;
  for (const [index, { version }] of migrations.entries()) {
    const complain = (what: string) => broken.push(`relay schema ${version}: ${what}`);
    const home = crowd.inside(`relay-${version}`);
    const relay = new RelayProcess(home);
    Deno.mkdirSync(relay.dataDir, { mode: 0o700 });
    Deno.copyFileSync(`${crowd.relay.dataDir}/root.key`, `${relay.dataDir}/root.key`);
    const path = `${relay.dataDir}/relay.db`;
    const before = makeOld({
      path,
      present: `${crowd.relay.dataDir}/relay.db`,
      make: (db) => migrate(db, migrations.slice(0, index + 1)),
      apart: VERSION_TABLE,
    });
    rows += sizeOf(before);

    await relay.start();
    if (await operatorsLists(relay.dataDir, home) !== lists) complain("tokens or the allow list changed");
    if (await relay.stop() !== 0) complain(`did not end with 0: ${relay.lastWords()}`);
    {
      using stack = new DisposableStack();
      const db = stack.adopt(open(path), (db) => db.close());
      const found = Number((db.prepare(`SELECT version FROM ${VERSION_TABLE}`).raw().get() as [bigint])[0]);
      if (found !== currentSchema) complain(`became ${found} instead of ${currentSchema}`);
      for (const what of differences(before, rowsOf(db, VERSION_TABLE))) complain(what);
    }

    await relay.start();
    const text = `to a relay that had schema ${version}`;
    await must(qight("send", "--sealed", keeper.id, text), { env: { ...writer.env, QIGHT_RELAY: relay.address } });
    const shown = await must(qight("fetch", "--peek", "--json"), {
      env: { ...keeper.env, QIGHT_RELAY: relay.address },
    });
    const seqs = shown.split("\n").map((line) => JSON.parse(line) as { seq: number; text: string });
    if (seqs.at(-1)?.text !== text) complain("new mail does not come last");
    if (seqs.some(({ seq }, at) => at > 0 && seq !== seqs[at - 1].seq + 1)) complain("numbers are not in a row");
    if (await relay.stop() !== 0) complain(`did not end with 0: ${relay.lastWords()}`);
    for (const word of integrityOfCopy(path)) complain(word);
  }
  return rows;
}

/** What the operator's commands list, as they print it. */
export async function operatorsLists(dataDir: string, home: string): Promise<string> {
  const options = { env: person(home, "") };
  const tokens = await must(qight("relay", "token", "list", "--json", "--data-dir", dataDir), options);
  return tokens + await must(qight("relay", "allow", "list", "--json", "--data-dir", dataDir), options);
}

/** `qight relay` on a database of the next schema: exit 78, the schema named, and not a byte changed. */
export async function refuseNewerRelay(crowd: Crowd, broken: string[]): Promise<void> {
  const path = `${crowd.relay.dataDir}/relay.db`;
  const setVersion = (version: number) => {
    const db = open(path);
    db.prepare(`UPDATE ${VERSION_TABLE} SET version = ?`).run(version);
    db.close();
  };
  setVersion(currentSchema + 1);
  const before = Deno.readFileSync(path).toBase64();
  const args = qight("relay", "--listen", `127.0.0.1:${crowd.relay.port}`, "--data-dir", crowd.relay.dataDir, "--json");
  const env = { ...person(crowd.inside("post"), ""), QIGHT_CFG__HTTP__LISTEN: "" };
  const { code, stderr } = await run(args, { env, killAfterMs: 30_000 });
  if (code !== 78 || !stderr.includes('"config"') || !stderr.includes(`schema ${currentSchema + 1}`)) {
    broken.push(`a relay's database of a newer schema: exit ${code}, ${stderr.trim()}`);
  }
  if (Deno.readFileSync(path).toBase64() !== before) broken.push("a relay's database of a newer schema was changed");
  setVersion(currentSchema);
}
