/**
 * Load without a relay: sealing and opening. `sealing.ts FOLDER SECONDS` (a process of its own).
 * @module
 */
import { type OpenedEnvelope, parseEnvelope } from "../../crypto/envelope.ts";
import { openContent, sealContent } from "../../crypto/seal.ts";
import { QightError } from "../../proto/errors.ts";
import { closedLoop } from "../closed_loop.ts";
import { freshFields, lineContent, readPool } from "./envelopes.ts";
import { readPeople } from "./people.ts";

const [folder, seconds] = Deno.args;
const { recipient, senders: [sender] } = await readPeople(`${folder}/people.json`);
const timing = { inFlight: 16, seconds: Number(seconds) };

let counter = 0;
const sealed = await closedLoop(() => async () => {
  const content = lineContent(sender, "a line of a log as it may be in a bench, about a hundred bytes", ++counter);
  await sealContent({ to: recipient.sealingKey, fields: freshFields(sender, recipient), content });
}, timing);

const envelopes: OpenedEnvelope[] = readPool(`${folder}/pool`).slice(0, 2000).map(parseEnvelope);
let turn = 0;
const opened = await closedLoop(() => async () => {
  const { content } = await openContent({
    secretSeed: recipient.sealingSeed,
    fields: envelopes[turn++ % envelopes.length],
  });
  if (content?.body.case !== "text") {
    throw new QightError("invariant", "The bench opened something else than it sealed");
  }
}, timing);
console.log(JSON.stringify({ seal: sealed.perSecond, open: opened.perSecond }));
