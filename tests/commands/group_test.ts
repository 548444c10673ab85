/** `qight group`: several people, each in a process and a home of their own. @module */
import assert from "node:assert/strict";
import { installQight } from "./guide.ts";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
/** Several members of a group on one busy machine. */
const PATIENT = { QIGHT_TIMEOUT: "120s" };
let relay: RunningRelay;
type Member = Awaited<ReturnType<World["member"]>>;
let ada: Member, bob: Member, cat: Member, dan: Member;
const names = ["ada", "bob", "cat", "dan"];
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  [ada, bob, cat, dan] = await Promise.all(names.map((name) => world.member(name, relay, PATIENT)));
  const people = [ada, bob, cat, dan];
  await Promise.all(people.map(async (person) => {
    for (const [at, other] of people.entries()) {
      if (other !== person) await person.ok(["contact", "add", names[at], other.id]);
    }
  }));
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

/** Objects of a command with `--json`. */
async function objects(person: Member, args: readonly string[]) {
  const out = await person.ok([...args, "--json"]);
  return out === "" ? [] : out.split("\n").map((line) => JSON.parse(line));
}

/** Texts in a mailbox, and where they were said. */
async function texts(person: Member): Promise<[where: string, text: string][]> {
  return (await objects(person, ["fetch"])).map(({ in: where, text }) => [where, text]);
}

row(
  "create prints the id; the members are in as soon as they fetch, and #NAME names the group everywhere",
  async () => {
    const id = await ada.ok(["group", "create", "ops", "bob", "cat"]);
    assert.match(id, /^[0-9a-f]{64}$/);
    await ada.ok(["send", "#ops", "deploying now"]);
    for (const person of [bob, cat]) assert.deepEqual(await texts(person), [["#ops", "deploying now"]]);
    await bob.ok(["send", "#ops", "looks good"]);
    assert.deepEqual(await texts(ada), [["#ops", "looks good"]]);
    assert.deepEqual(await texts(cat), [["#ops", "looks good"]]);
    const [listed] = await objects(bob, ["group", "list"]);
    assert.deepEqual([listed.id, listed.name, listed.members, listed.role, listed.owner, listed.status], [
      id,
      "ops",
      3,
      "member",
      ada.id,
      "active",
    ]);
    const members = await objects(cat, ["group", "members", "#ops"]);
    assert.deepEqual(
      members.map(({ id, name, role, own }) => [id, name, role, own]).sort(),
      [
        [ada.id, "ada", "owner", false],
        [bob.id, "bob", "member", false],
        [cat.id, undefined, "member", true],
      ].sort(),
    );
    const [shown] = await objects(ada, ["group", "show", "ops"]);
    assert.deepEqual([shown.id, shown.people.length, shown.disappear_after_s], [id, 3, 0]);
    assert.match(
      await ada.ok(["group", "show", id]),
      new RegExp(`^#ops {2}3 members {2}owner\nid {2}${id}\nyou {2}${ada.id} {2}owner`),
    );
  },
);

row("the history of every member shows the group once, in one order", async () => {
  for (const person of [ada, bob, cat]) {
    const lines = (await objects(person, ["history", "--in", "#ops"])).filter(({ type }) => type === "message");
    assert.deepEqual(lines.map(({ in: where, text }) => [where, text]), [["#ops", "deploying now"], [
      "#ops",
      "looks good",
    ]]);
  }
  assert.match(await cat.ok(["history"]), /#ops {2}ada {2}deploying now/);
});

row("invite adds a member, who reads what is said from then on; remove ends that, and needs a right", async () => {
  await bob.ok(["group", "invite", "ops", "dan"]);
  await ada.ok(["send", "#ops", "welcome dan"]);
  assert.deepEqual(await texts(dan), [["#ops", "welcome dan"]]);
  const refused = await bob.run(["group", "remove", "ops", "dan", "--json"]);
  assert.deepEqual([refused.code, errorOf(refused).code], [77, "not_allowed"]);
  const [after] = await objects(ada, ["group", "remove", "ops", "dan"]);
  assert.equal(after.members, 3);
  await ada.ok(["send", "#ops", "without dan"]);
  assert.deepEqual(await texts(dan), []);
  const gone = await dan.run(["send", "#ops", "hello?", "--json"]);
  assert.deepEqual([gone.code, errorOf(gone).code], [77, "not_a_member"]);
  assert.deepEqual((await texts(bob)).map(([, text]) => text), ["welcome dan", "without dan"]);
  await cat.ok(["fetch"]);
});

row("an admin may rename and set the timer, a member may not; everybody sees the new name", async () => {
  const refused = await bob.run(["group", "rename", "ops", "mine", "--json"]);
  assert.deepEqual([refused.code, errorOf(refused).code], [77, "not_allowed"]);
  await ada.ok(["group", "admin", "ops", "bob"]);
  await bob.ok(["fetch"]);
  assert.equal(await bob.ok(["group", "rename", "ops", "operations"]), "#operations");
  assert.match(await bob.ok(["group", "timer", "operations", "1d"]), /lines go 1d after reading/);
  await cat.ok(["fetch"]);
  const [seen] = await objects(cat, ["group", "show", "operations"]);
  assert.deepEqual([seen.name, seen.disappear_after_s], ["operations", 86400]);
  await bob.ok(["send", "#operations", "gone tomorrow"]);
  assert.ok(
    (await objects(bob, ["history", "--in", "#operations", "--max", "1"]))[0].goes_at > new Date().toISOString(),
  );
  await ada.ok(["fetch"]);
  assert.ok((await objects(ada, ["history", "--search", "gone tomorrow"]))[0].goes_at > new Date().toISOString());
  await bob.ok(["group", "timer", "operations", "off"]);
  await bob.ok(["group", "rename", "operations", "ops"]);
  await Promise.all([ada.ok(["fetch"]), cat.ok(["fetch"])]);
});

row("who leaves is gone for the others, keeps the lines, and writes there no more", async () => {
  assert.equal(await cat.ok(["group", "leave", "ops"]), "you left #ops");
  const after = await cat.run(["send", "#ops", "still here?", "--json"]);
  assert.deepEqual([after.code, errorOf(after).code], [77, "not_a_member"]);
  assert.ok((await objects(cat, ["history", "--in", "#ops"])).length > 0);
  await ada.ok(["fetch"]);
  await bob.ok(["fetch"]);
  assert.deepEqual(
    (await objects(bob, ["group", "members", "ops"])).map(({ id }) => id).sort(),
    [ada.id, bob.id].sort(),
  );
});

row("with [groups] ask a group waits for a yes", async () => {
  const eve = await world.member("eve", relay, PATIENT);
  Deno.mkdirSync(eve.path("config/qight"), { recursive: true });
  eve.file("config/qight/config.toml", "[groups]\nask = true\n");
  await ada.ok(["group", "invite", "ops", eve.id]);
  await eve.ok(["fetch"]);
  assert.match(await eve.ok(["group", "list"]), /^#ops {2}3 members {2}waits for your yes: qight group join$/);
  assert.match(await eve.ok(["group", "join", "ops"]), /^#ops {2}3 members {2}member$/);
  await eve.ok(["group", "leave", "ops"]);
});

row("an invite brings somebody into a group, by a link, while all its members are away", async () => {
  const fay = await world.member("fay", relay, PATIENT);
  const made = JSON.parse(await ada.ok(["invite", "create", "--group", "ops", "--name", "ada", "--json"]));
  assert.equal(made.group, "#ops");
  const taken = JSON.parse(await fay.ok(["invite", "accept", "-", "--as", "fay", "--json"], { stdin: made.link }));
  assert.deepEqual([taken.name, taken.group], ["ada", "#ops"]);
  await fay.ok(["send", "#ops", "here I am"]);
  assert.deepEqual(await texts(bob), [["#ops", "here I am"]]);
  assert.deepEqual((await texts(ada)).filter(([, text]) => text), [["#ops", "here I am"]]);
  const again = await dan.run(["invite", "accept", "-", "--json"], { stdin: made.link });
  assert.deepEqual([again.code, errorOf(again).code], [65, "invite_used"]);
});

row("TAB knows groups: bare where a group is asked for, with a quoted # among people", async () => {
  assert.deepEqual((await ada.ok(["completion", "--words", "groups"])).split("\n"), ["ops"]);
  assert.deepEqual((await ada.ok(["completion", "--words", "conversations"])).split("\n").slice(0, 2), ["#ops", "bob"]);
  installQight(ada);
  for (const typed of ["#o", "\\#o"]) {
    const line = `qight send ${typed}`;
    const script = `source <(qight completion bash); COMP_LINE='${line}'; COMP_POINT=${line.length}
      COMP_WORDS=(qight send '${typed}'); COMP_CWORD=2; _qight; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await new Deno.Command("bash", {
      args: ["--norc", "-c", script],
      env: { ...ada.env, PATH: `${ada.path("bin")}:${ada.env.PATH}` },
      clearEnv: true,
      cwd: ada.home,
    }).output();
    assert.equal(new TextDecoder().decode(stdout), "\\#ops\n");
  }
});

const refusals: readonly (readonly [args: readonly string[], exit: number, code: string])[] = [
  [["group", "create", "ops"], 65, "group_exists"],
  [["group", "create", "evil\u202egnp"], 64, "bad_name"],
  [["group", "create", "evil\u001b[2J"], 64, "bad_name"],
  [["group", "create", "two words"], 64, "bad_name"],
  [["group", "rename", "ops", "\u2066x"], 64, "bad_name"],
  [["group", "create", "new", "nobody"], 67, "no_such_contact"],
  [["group", "show", "nowhere"], 67, "no_such_group"],
  [["group", "remove", "ops", "cat"], 67, "no_such_recipient"],
  [["group", "remove", "ops", "me"], 67, "no_such_contact"],
  [["group", "timer", "ops", "soon"], 64, "bad_duration"],
  [["invite", "create", "--group", "nowhere"], 67, "no_such_group"],
];
for (const [args, exit, code] of refusals) {
  row(`${JSON.stringify(args.join(" "))} is ${exit} ${code}, and shows nothing that steers`, async () => {
    const outcome = await ada.run([...args, "--json"]);
    assert.deepEqual([outcome.code, errorOf(outcome).code], [exit, code]);
    const text = await ada.run(args);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(text.stderr, /[\u001b\u202e\u2066]/);
  });
}

row("regression: what somebody did to a group stands in the own history before what was said after it", async () => {
  const texts = async () => (await objects(ada, ["history", "--in", "#order"])).map(({ text }) => text);
  await ada.ok(["group", "create", "order", "bob", "cat"]);
  await ada.ok(["send", "#order", "to both"]);
  await ada.ok(["group", "remove", "order", "cat"]);
  await ada.ok(["send", "#order", "to bob alone"]);
  const told = ["you added bob", "you added cat", "to both", "you removed cat", "to bob alone"];
  assert.deepEqual(await texts(), told);
  await ada.ok(["fetch"]);
  assert.deepEqual(await texts(), told, "reading it again adds nothing");
});

row(
  "regression: what happened to a group is told and kept where it happened, not before what was said earlier",
  async () => {
    await ada.ok(["group", "create", "away", "bob"]);
    await bob.ok(["fetch"]);
    for (const text of ["1", "2", "3"]) await ada.ok(["send", "#away", text]);
    await ada.ok(["group", "rename", "away", "gone"]);
    await ada.ok(["send", "#gone", "4"]);
    await ada.ok(["group", "leave", "gone", "-y"]);
    const told = (await objects(bob, ["fetch", "--events"])).map(({ type, text }) => text ?? type);
    const renamed = told.indexOf("group");
    assert.deepEqual(told.slice(0, renamed), ["1", "2", "3"]);
    assert.equal(told[renamed + 1], "4");
    const kept = (await objects(bob, ["history", "--in", "#gone"])).map(({ text }) => text);
    assert.deepEqual(kept.slice(1, 6), ["1", "2", "3", 'ada renamed the group to "gone"', "4"]);
  },
);
