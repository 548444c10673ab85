/** A machine whose device goes into another account while other commands of it are running. @module */
import assert from "node:assert/strict";
import { row, World } from "./harness.ts";

const world = new World();
Deno.test.afterAll(() => world[Symbol.asyncDispose]());
const relay = await world.relay();

row(
  "regression: a fetch --follow that runs while its machine is linked elsewhere does not take the device back",
  async () => {
    const phone = await world.member("phone", relay);
    const laptop = await world.member("laptop", relay);
    const bob = await world.member("bob", relay);
    const former = phone.id;
    const reader = phone.start(["fetch", "--follow", "--json"]);
    await bob.ok(["send", former, "before"]);
    assert.match((await reader.line())!, /"before"/);
    const waiting = phone.start(["device", "link", "--json", "-y"]);
    const { code } = JSON.parse((await waiting.line())!);
    await laptop.ok(["device", "link", "-", "-y"], { stdin: code });
    assert.equal(JSON.parse((await waiting.line())!).account, laptop.id);
    assert.equal(await waiting.ended, 0, waiting.stderr());
    await bob.ok(["send", laptop.id, "after"]);
    assert.equal(await reader.ended, 77, reader.stderr());
    assert.match(reader.stderr(), /another account/);
    assert.match(await phone.ok(["fetch"]), / after$/);
    assert.equal((await phone.ok(["device", "list", "--json"])).split("\n").length, 2);
    assert.equal((await laptop.ok(["device", "list", "--json"])).split("\n").length, 2);
  },
);

row(
  "regression: a fetch --follow whose relay restarts after the move does not publish the former account again",
  async () => {
    const home = await world.relay({ name: "restarts" });
    const phone = await world.member("other-phone", home);
    const laptop = await world.member("other-laptop", home);
    const reader = phone.start(["fetch", "--follow", "--json"]);
    await laptop.ok(["send", phone.id, "before"]);
    assert.match((await reader.line())!, /"before"/);
    const waiting = phone.start(["device", "link", "--json", "-y"]);
    const { code } = JSON.parse((await waiting.line())!);
    await laptop.ok(["device", "link", "-", "-y"], { stdin: code });
    assert.equal(await waiting.ended, 0, waiting.stderr());
    await home.stop();
    await world.relay({ name: "restarts", port: home.port });
    assert.equal(await reader.ended, 77, reader.stderr());
    assert.match(reader.stderr(), /another account/);
    assert.equal((await laptop.ok(["device", "list", "--json"])).split("\n").length, 2);
  },
);
