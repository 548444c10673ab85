/** What the operator sees of reports: what was sent, harmless to a terminal, and only what is proven without a warning. @module */
import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { RelayClient } from "../../client/relay_client.ts";
import { CONTENT_PLAIN, signEnvelope } from "../../crypto/envelope.ts";
import { ModerationService } from "../../proto/gen/qight/v1/moderation_pb.ts";
import { ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { type Person as Somebody, person } from "../helpers/people.ts";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
let relay: RunningRelay;
Deno.test.beforeAll(async () => {
  relay = await world.relay({ name: "reports" });
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

const operator = world.person("report-operator");
const ask = (...args: string[]) => operator.ok(["relay", "report", ...args, "--data-dir", relay.dataDir]);

/** A plain message as its reader shows it: the signature covers the content itself. */
async function plain(from: Somebody, to: Somebody, text: string, device = from.device) {
  const content = toBinary(ContentSchema, create(ContentSchema, { body: { case: "text", value: text } }));
  const envelope = await signEnvelope(device, {
    id: crypto.getRandomValues(new Uint8Array(16)),
    sender: device.publicKey,
    recipient: to.device.publicKey,
    createdAtMs: Date.now(),
    ttlS: 0,
    contentType: CONTENT_PLAIN,
    payload: content,
  });
  return { envelope, content, frankingKey: new Uint8Array(0), account: from.account.hash };
}

row(
  "relay report: the operator lists, reads and deletes what people showed, and a doubt is said in capitals",
  async () => {
    const [bob, mallory, nobody] = await Promise.all([71, 72, 73].map((number) => person(number, Date.now())));
    await using b = await RelayClient.connect(relay.address, { signer: bob.device });
    await using m = await RelayClient.connect(relay.address, { signer: mallory.device });
    await b.publishBundle(bob.bundle.bytes, 0);
    await m.publishBundle(mallory.bundle.bytes, 0);
    const messages = [
      await plain(mallory, bob, "an insult\n\u001b[2Jwith an escape"),
      await plain(mallory, bob, "put into her mouth", nobody.device),
    ];
    const { report } = await b.rpc.unary(ModerationService.method.report, { messages, reason: "rude\u001b]0;x" });
    const line = await ask("list");
    assert.match(line, new RegExp(`^${report}  20\\d\\d-.*Z  ${mallory.account.id}  rude\\\\u001b\\]0;x$`));
    const shown = await ask("show", report);
    assert.match(shown, new RegExp(`^reporter +${bob.account.id}$`, "m"));
    assert.match(shown, /^ {2}an insult\n {2}\\u001b\[2Jwith an escape$/m);
    assert.equal(shown.match(/NOT PROVEN/g)?.length, 1);
    assert.match(shown, /NOT PROVEN: .*\n {2}put into her mouth/);
    const json = JSON.parse(await ask("show", report, "--json"));
    assert.deepEqual(
      json.messages.map(({ text, listed }: { text: string; listed: boolean }) => [text, listed]),
      [["an insult\n\u001b[2Jwith an escape", true], ["put into her mouth", false]],
    );
    assert.equal(await ask("delete", report), report);
    assert.equal(await ask("list"), "");
  },
);

row("relay report: one that is not there is said so", async () => {
  for (const what of ["show", "delete"]) {
    const outcome = await operator.run(["relay", "report", what, "00000000", "--data-dir", relay.dataDir, "--json"]);
    assert.equal(outcome.code, 64, what);
    assert.match(errorOf(outcome).message, /There is no report 00000000/);
  }
});
