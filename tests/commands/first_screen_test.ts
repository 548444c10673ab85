/** The first screen of the README, as printed. @module */
import assert from "node:assert/strict";
import { World } from "./harness.ts";

Deno.test("expectation 16: the first screen works as printed: relay, key gen, send, fetch", async () => {
  await using world = new World();
  // $ qight relay                                   # terminal 1
  const relay = await world.relay();
  assert.match(relay.address, /^qight:\/\/[A-Za-z0-9_-]{43}@127\.0\.0\.1:\d+$/);
  // $ export QIGHT_RELAY=qight://…                  # terminal 2
  const user = world.person("user", { QIGHT_RELAY: relay.address });
  // $ qight key gen --no-passphrase                 # prints your id
  const gen = await user.run(["key", "gen", "--no-passphrase"]);
  assert.equal(gen.code, 0, gen.stderr);
  assert.match(gen.stdout, /^qid1[02-9ac-hj-np-z]{58}\n$/, "stdout is exactly one public id line");
  assert.equal(gen.stderr, "");
  const id = gen.stdout.trim();
  // $ echo "disk full on web-3" | qight send qid1…
  assert.match(await user.ok(["send", id], { stdin: "disk full on web-3\n" }), /^[0-9a-f]{32}$/);
  // $ qight fetch --wait 30s
  const fetched = await user.run(["fetch", "--wait", "30s"]);
  assert.equal(fetched.code, 0, fetched.stderr);
  assert.match(fetched.stdout, new RegExp(`^\\d\\d:\\d\\d {2}${id.slice(0, 12)} {2}disk full on web-3\n$`));
  assert.equal(fetched.stderr, "");
  assert.equal(await user.ok(["fetch"]), "", "what was read is acknowledged");
  assert.equal(await relay.stop(), 0, "SIGTERM drains, exit 0");
});

Deno.test("the relay prints its address in the words of the first screen", async () => {
  await using world = new World();
  const relay = world.operator.start(["relay", "--listen", "127.0.0.1:0", "--data-dir", world.operator.path("r")], {
    env: { QIGHT_CFG__HTTP__LISTEN: "" },
  });
  try {
    const line = await relay.line();
    assert.match(line!, /^address {2}qight:\/\/[A-Za-z0-9_-]{43}@127\.0\.0\.1:\d+ {10}\(share this line\)$/);
  } finally {
    relay.signal("SIGKILL");
    assert.equal(await relay.ended, 137);
  }
});
