/**
 * A client's store in every earlier schema, opened by the present program; one from the future is refused.
 * @module
 */
import { decodeIdentity } from "../../../crypto/identity_bytes.ts";
import { migrations } from "../../../client/storage/schema.ts";
import { openSqliteStore } from "../../../client/storage/sqlite.ts";
import { openVault } from "../../../crypto/vault.ts";
import { QightError } from "../../../proto/errors.ts";
import { qight, run } from "../processes.ts";
import type { Member } from "./crowd.ts";
import { differences, makeOld, open, rowsOf, sizeOf } from "./old_schema.ts";

/** Schemas that the client's store has had. */
export const clientSchemas: number = migrations.length;

/** Upgrades this member's store from each schema and leaves the upgraded one in place; answers how many rows it had. */
export async function upgradeStore(member: Member, broken: string[]): Promise<number> {
  const { path, key } = await storeOf(member);
  let rows = 0;
  for (const [index] of migrations.entries()) {
    const old = `${path}.old`;
    const before = makeOld({
      path: old,
      present: path,
      key,
      make: (db) => {
        for (const step of migrations.slice(0, index + 1)) db.exec(step);
        db.pragma(`user_version = ${index + 1}`);
      },
    });
    rows += sizeOf(before);
    await (await openSqliteStore({ path: old, key }))[Symbol.asyncDispose]();
    const db = open(old, key);
    const found = versionOf(db);
    const changed = differences(before, rowsOf(db));
    db.close();
    if (found !== migrations.length) changed.push(`became ${found} instead of ${migrations.length}`);
    broken.push(...changed.map((what) => `store of ${member.name}, schema ${index + 1}: ${what}`));
    Deno.renameSync(old, path);
  }
  return rows;
}

/** A command on a store of the next schema: exit 74, the reason named, and the store left as it is. */
export async function refuseNewerStore(member: Member, broken: string[]): Promise<void> {
  const { path, key } = await storeOf(member);
  const setVersion = (version: number) => {
    const db = open(path, key);
    db.pragma(`user_version = ${version}`);
    db.close();
  };
  setVersion(migrations.length + 1);
  const before = Deno.readFileSync(path).toBase64();
  const { code, stderr } = await run(qight("fetch", "--json"), { env: member.env, killAfterMs: 30_000 });
  if (code !== 74 || !stderr.includes("newer qight")) {
    broken.push(`a store of a newer schema: exit ${code}, ${stderr.trim()}`);
  }
  if (Deno.readFileSync(path).toBase64() !== before) broken.push("a store of a newer schema was changed");
  setVersion(migrations.length);
}

function versionOf(db: ReturnType<typeof open>): number {
  return Number(db.pragma("user_version", { simple: true }));
}

async function storeOf({ env, name }: Member): Promise<{ path: string; key: Uint8Array }> {
  const home = `${env.XDG_DATA_HOME}/qight`;
  const store = [...Deno.readDirSync(`${home}/stores`)].find((file) => file.name.endsWith(".db"));
  const { device } = decodeIdentity(await openVault(Deno.readTextFileSync(`${home}/identity.key`), null));
  if (!store || !device) throw new QightError("internal", `${name} has no store`);
  return { path: `${home}/stores/${store.name}`, key: device.dataKey };
}
