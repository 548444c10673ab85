/** Reading relay.toml again over the admin door, on systems with signals and on those without. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { errorOf, row, World } from "./harness.ts";

/**
 * Runs before a command, in its process: what the program asks about its system then says Windows, and SIGUSR2 stands for
 * the SIGBREAK that only Windows knows.
 */
const SAYS_WINDOWS = `
Object.defineProperty(Deno, "build", { value: { ...Deno.build, os: "windows" } });
for (const name of ["addSignalListener", "removeSignalListener"]) {
  const real = Deno[name];
  const known = { SIGINT: "SIGINT", SIGBREAK: "SIGUSR2" };
  Object.defineProperty(Deno, name, { value: (signal, ...rest) => real(known[signal] ?? "unknown on Windows", ...rest) });
}
`;

row("relay reload puts a changed relay.toml in force, and says what is wrong with a bad one", async () => {
  await using world = new World();
  const { operator } = world;
  const toml = operator.file("relay.toml", '[log]\nlevel = "info"\n');
  const relay = await world.relay({ args: ["-c", toml] });
  const reload = () => operator.run(["relay", "reload", "--data-dir", relay.dataDir, "--json"]);
  await Deno.writeTextFile(toml, "[storage]\nmax_queue = 7\n");
  const good = await reload();
  assert.deepEqual([good.code, JSON.parse(good.stdout)], [0, { reloaded: true }]);
  await relay.process.seen(/configuration reloaded/);
  await Deno.writeTextFile(toml, "[storage]\nmax_queues = 7\n");
  const bad = await reload();
  assert.equal(bad.code, 78);
  assert.match(errorOf(bad).message, /relay\.toml:2:1: .*max_queue/);
  assert.equal(await relay.stop(), 0);
});

row(
  "a relay that believes to be on Windows is asked and reloaded over its loopback door, and drains at SIGBREAK",
  async () => {
    await using world = new World();
    const { operator } = world;
    const preload = operator.file("says_windows.js", SAYS_WINDOWS);
    const env = { LOCALAPPDATA: operator.path("local"), APPDATA: operator.path("roaming") };
    const relay = await world.relay({ preload, env });
    const door = join(relay.dataDir, "admin.sock");
    assert.ok(Deno.lstatSync(door).isFile);
    const admin = (...args: string[]) =>
      operator.run(["relay", ...args, "--data-dir", relay.dataDir, "--json"], { preload, env });
    assert.equal(JSON.parse((await admin("status")).stdout).draining, false);
    assert.equal((await admin("reload")).code, 0);
    assert.equal((await operator.run(["health", "--data-dir", relay.dataDir], { preload, env })).code, 0);
    relay.process.signal("SIGUSR2");
    assert.equal(await relay.process.ended, 0);
    assert.throws(() => Deno.lstatSync(door), Deno.errors.NotFound);
    assert.equal((await admin("status")).code, 69);
  },
);
