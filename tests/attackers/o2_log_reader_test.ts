/**
 * O2, whoever reads logs and metrics: not one id, key or address of anybody stands in them after a day's work.
 * @module
 */
import assert from "node:assert/strict";
import { formatAccountId } from "../../crypto/account.ts";
import { Needles } from "./needles.ts";
import WebSocket from "ws";
import { openPostOffice, type PostOffice } from "./post_office.ts";

/** As a trusted proxy names it; from the block for documentation. */
const CLIENT = "203.0.113.77";

Deno.test({ name: "O2", sanitizeOps: false, sanitizeResources: false, fn: asLogReader });

async function asLogReader(t: Deno.TestContext): Promise<void> {
  await using office = await openPostOffice({
    QIGHT_CFG__LIMITS__SEND_BURST: "12",
    QIGHT_CFG__WEBSOCKET__TRUSTED_PROXIES: "127.0.0.1",
  });
  const { relay, secrets, plain, ada, bob, messageIds } = office;
  const ids = new Needles().text("a client's address", CLIENT).text("plain", plain);
  for (const [name, { accountHash, deviceKey, id }] of Object.entries({ ada, bob })) {
    assert.equal(id, formatAccountId(accountHash));
    ids.text(`${name}'s id`, id).bytes(`${name}'s account`, accountHash).bytes(`${name}'s device key`, deviceKey);
    const { device } = JSON.parse(await (name === "ada" ? ada : bob).ok(["whoami", "--json"]));
    ids.text(`${name}'s fingerprint`, device);
  }
  for (const id of messageIds) ids.text("a message id", id).bytes("a message id", Uint8Array.fromHex(id));
  assert.ok(messageIds.length >= 8);

  // Whatever goes wrong is logged too: an id that the relay does not know, a limit that is hit, a client that is killed.
  const stranger = crypto.getRandomValues(new Uint8Array(32));
  ids.text("an unknown id", formatAccountId(stranger)).bytes("an unknown account", stranger);
  const wrong = [
    await ada.run(["send", formatAccountId(stranger), "x"]),
    await ada.run(["send", bob.id, "--lines"], { stdin: "line\n".repeat(20), env: { QIGHT_TIMEOUT: "1s" } }),
  ];
  assert.deepEqual(wrong.map(({ code }) => code), [67, 0], wrong.map(({ stderr }) => stderr).join(""));
  const reader = bob.start(["fetch", "--follow", "--json"]);
  await reader.line();
  reader.signal("SIGKILL");
  assert.equal(await reader.ended, 137);
  await bob.ok(["fetch", "--json"]);

  await comeThroughProxy(office);
  const metrics = await office.metrics();

  await t.step("O2: the metrics name nobody", () => {
    assert.match(metrics, /^qight_messages_stored \d+$/m, "the metrics are not there");
    assert.deepEqual([...ids.in(metrics), ...secrets.in(metrics)], []);
    assert.doesNotMatch(metrics, /\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/);
  });

  await t.step("O2: the log at its default level names nobody", async () => {
    assert.equal(await relay.stop(), 0);
    const log = relay.process.stderr();
    assert.match(log, /relay started[\s\S]*draining/, "the log is not there");
    assert.deepEqual([...ids.in(log), ...secrets.in(log)], []);
    assert.deepEqual(foreignAddresses(log, relay.port), []);
  });
}

/** A client behind the operator's proxy that says nothing sensible: its address and what it did wrong reach the relay. */
async function comeThroughProxy({ relay }: PostOffice): Promise<void> {
  const socket = new WebSocket(`wss://127.0.0.1:${relay.port}/qight`, "qight.1", {
    rejectUnauthorized: false,
    headers: { "X-Forwarded-For": CLIENT },
  });
  const closed = new Promise<number>((resolve, reject) => {
    socket.on("close", resolve);
    socket.on("error", reject);
  });
  socket.on("open", () => socket.send(new Uint8Array(3)));
  assert.equal(await closed, 1002);
}

/** Addresses with a port that is not the relay's own: those of clients. */
function foreignAddresses(text: string, ownPort: number): string[] {
  return [...text.matchAll(/\b\d{1,3}(?:\.\d{1,3}){3}:(\d+)/g)].filter(([, port]) => Number(port) !== ownPort)
    .map(([address]) => address);
}
