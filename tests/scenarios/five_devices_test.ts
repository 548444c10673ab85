/** Stories of two people with five devices each, in a group and with each other, over a real relay. @module */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { openMessage, sealMessage } from "../../crypto/mls/message.ts";
import { QightError } from "../../proto/errors.ts";
import { assertOneView } from "../client/group_people.ts";
import { stateOf } from "../client/poisons.ts";
import { Talker } from "../client/talker.ts";
import { type TestRelay, testRelay } from "../helpers/test_relay.ts";

/** Ten devices of two accounts, and a group that all are in. */
class TwoPeople implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();

  private constructor(
    readonly relay: TestRelay,
    readonly ana: Talker[],
    readonly bo: Talker[],
    readonly group: Uint8Array,
  ) {
    for (const talker of this.all) this.#stack.use(talker);
  }

  static async meet(): Promise<TwoPeople> {
    const relay = await testRelay();
    const devices = async (account: number) => {
      const talkers: Talker[] = [];
      for (let n = 1; n <= 5; n++) {
        talkers.push(await Talker.join(relay, account, { device: account * 10 + n, packages: 8 }));
      }
      return talkers;
    };
    const [ana, bo] = [await devices(1), await devices(2)];
    for (const one of [...ana, ...bo]) await renew(one);
    const { group } = await ana[0].person.groups.create("ops", [bo[0].account]);
    const people = new TwoPeople(relay, ana, bo, group);
    await people.read();
    return people;
  }

  get all(): Talker[] {
    return [...this.ana, ...this.bo];
  }

  async read(): Promise<void> {
    for (const one of this.all) await one.person.read();
  }

  /** Everybody of these sees the same epoch of the same history. */
  async oneView(group = this.group, talkers = this.all): Promise<void> {
    await assertOneView(group, talkers.map(({ person }) => person));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
    await this.relay[Symbol.asyncDispose]();
  }
}

/** Learns of the devices that came after it. */
async function renew(talker: Talker): Promise<void> {
  await talker.person.restart();
  talker.renew();
}

Deno.test("all ten devices of two people hear what each of them says, once, in a group and in their conversation", async () => {
  await using people = await TwoPeople.meet();
  const { all, ana, bo, group } = people;
  await people.oneView();
  for (const [n, one] of all.entries()) assert.equal((await one.say(group, `group ${n}`)).error, null);
  for (const [n, one] of all.entries()) {
    const others = all.flatMap((_, other) => other === n ? [] : [`group ${other}`]);
    assert.deepEqual(await one.texts(), others, `device ${n}`);
  }
  for (const [n, one] of ana.entries()) assert.equal((await one.say(bo[0], `to bo ${n}`)).via, "mls");
  for (const [n, one] of bo.entries()) assert.equal((await one.say(ana[0], `to ana ${n}`)).via, "mls");
  for (const one of all) {
    const mine = ana.includes(one) ? `to bo ${ana.indexOf(one)}` : `to ana ${bo.indexOf(one)}`;
    const said = [...ana.map((_, n) => `to bo ${n}`), ...bo.map((_, n) => `to ana ${n}`)];
    assert.deepEqual((await one.texts()).sort(), said.filter((text) => text !== mine).sort());
    assert.deepEqual(await one.texts(), [], "nothing comes twice");
  }
  await people.oneView();
});

Deno.test("what is said to a person with five devices is one payload on the relay's disk, with a pointer for each other device", async () => {
  await using people = await TwoPeople.meet();
  const { ana: [phone], bo, relay } = people;
  await phone.say(bo[0], "the conversation begins");
  for (const one of people.all) await one.texts();
  const disk = () => {
    using db = openReadonly(`${relay.config.dataDir}/relay.db`);
    return [db.count("SELECT count(*) FROM payloads"), db.count("SELECT count(*) FROM messages WHERE payload > 0")];
  };
  assert.deepEqual(disk(), [0, 0]);
  const { devices, error } = await phone.say(bo[0], "one for all");
  assert.equal(error, null);
  assert.equal(devices.length, 9, "five of bo and four others of ana");
  assert.deepEqual(disk(), [1, 9]);
  for (const one of people.all.slice(1)) assert.deepEqual(await one.texts(), ["one for all"]);
  assert.deepEqual(disk(), [0, 0]);
});

Deno.test("ten devices that all change a group at once all get their change, and are of one mind", async () => {
  await using people = await TwoPeople.meet();
  const { all, group } = people;
  const { epoch } = (await all[0].person.groups.row(group))!;
  await Promise.all(all.map(({ person }) => person.newGroups({ timeoutMs: 60_000 }).renewKeys(group)));
  await people.read();
  await people.oneView();
  assert.equal((await all[0].person.groups.row(group))!.epoch, epoch + 10, "one winner for each epoch");
});

Deno.test("a device that was away for thirty epochs reads what was said in each of them, once and in order", async () => {
  await using people = await TwoPeople.meet();
  const { all, ana, bo, group } = people;
  const away = bo[4];
  const said: string[] = [];
  for (let n = 0; n < 30; n++) {
    const one = [...ana, ...bo.slice(0, 4)][n % 9];
    said.push(`word ${n}`);
    assert.equal((await one.say(group, `word ${n}`)).error, null);
    await one.person.groups.renewKeys(group);
  }
  assert.deepEqual(await away.texts(), said);
  for (const one of all) await one.hear();
  await people.oneView();
});

Deno.test("a revoked device hears nothing more, cannot open with what it kept, and the nine others go on as one", async () => {
  await using people = await TwoPeople.meet();
  const { ana, bo, group } = people;
  const lost = ana[4];
  const direct = (await ana[0].say(bo[0], "before")).group!;
  for (const one of people.all) await one.texts();
  const kept = [await stateOf(lost.person, group), await stateOf(lost.person, direct)];
  await ana[0].person.revoke(lost.person);
  assert.deepEqual(await ana[0].person.groups.removeGoneDevices(), []);
  const rest = people.all.filter((one) => one !== lost);
  for (const one of rest) await one.person.read();
  assert.equal((await bo[2].say(group, "after")).devices.length, 8);
  for (const one of rest) assert.deepEqual(await one.texts(), one === bo[2] ? [] : ["after"]);
  await people.oneView(group, rest);
  await people.oneView(direct, rest);
  for (const [at, of] of [group, direct].entries()) {
    const { message } = await sealMessage(await stateOf(ana[1].person, of), new TextEncoder().encode("after"));
    await assert.rejects(openMessage(kept[at], message), isRefused);
  }
  await assert.rejects(lost.say(group, "still here?"), isRefused);
  await assert.rejects(renew(lost), isRefused);
});

const isRefused = (thrown: unknown) => thrown instanceof QightError;

/** The relay's database as somebody with its disk sees it. */
function openReadonly(path: string) {
  const db = new Database(path, { readonly: true });
  return {
    count: (sql: string) => db.prepare(sql).pluck().get() as number,
    [Symbol.dispose]: () => void db.close(),
  };
}
