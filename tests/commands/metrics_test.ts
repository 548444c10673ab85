/** What Prometheus reads from a relay that has carried mail. @module */
import assert from "node:assert/strict";
import { assertNamedByTheRules, parse } from "../helpers/exposition.ts";
import { row, World } from "./harness.ts";

row(
  "expectation 35: a running relay's metrics keep Prometheus' rules, and name no person, key or address",
  async () => {
    await using world = new World();
    const listen = `127.0.0.1:${freePort()}`;
    const relay = await world.relay({ env: { QIGHT_CFG__HTTP__LISTEN: listen } });
    const [ada, bob] = await Promise.all([world.member("ada", relay), world.member("bob", relay)]);
    await ada.ok(["send", bob.id, "counted", "--sealed"]);
    // Its notice to Bob is acknowledged like a message, and is none.
    await ada.ok(["group", "create", "ops", bob.id]);
    await bob.ok(["fetch"]);
    assert.equal((await ada.run(["send", "ab".repeat(32), "to nobody"])).code, 67);

    const response = await fetch(`http://${listen}/metrics`);
    assert.match(response.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    const families = parse(text);
    assertNamedByTheRules(families);
    const value = (name: string) => families.get(name)!.samples[0].value;
    assert.equal(value("qight_messages_accepted_total"), 1);
    assert.equal(value("qight_messages_delivered_total"), 1);
    assert.ok(value("qight_handshakes_total") >= 2);
    assert.ok(
      families.get("qight_requests_total")!.samples.some(({ labels }) =>
        labels.result === "ok" && labels.method === "Send"
      ),
    );

    const { device } = JSON.parse(await ada.ok(["key", "show", "--json"]));
    const root = relay.address.slice("qight://".length).split("@")[0];
    for (const secret of [ada.id, bob.id, device.replace("SHA256:", ""), root, "127.0.0.1", "::1", world.folder]) {
      assert.ok(!text.includes(secret), secret);
    }
    assert.equal(await relay.stop(), 0);
  },
);

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
