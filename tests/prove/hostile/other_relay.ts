/**
 * Envelopes captured at one relay and played back at another one, which has never seen them and takes them: the reader of
 * both, an ordinary `fetch --json`, shows none of them again.
 * @module
 */
import { CONTENT_PLAIN, signEnvelope } from "../../../crypto/envelope.ts";
import { parseAccountId } from "../../../crypto/account.ts";
import { openBundle } from "../../../crypto/bundle.ts";
import { checkLedgers, complaints } from "../checker.ts";
import type { Entry } from "../ledger.ts";
import { connectVia, join, wireDevice } from "../lifecycle/wire_peer.ts";
import { must, person, qight } from "../processes.ts";
import { RelayProcess } from "../relay_process.ts";
import { create, toBinary } from "@bufbuild/protobuf";
import { ContentSchema } from "../../../proto/gen/qight/v1/seal_pb.ts";

/** What came of it. */
export interface Elsewhere {
  /** Envelopes that the other relay took. */
  readonly taken: number;
  readonly complaints: string[];
}

/** Sends `count` messages over `home`, has them read, and plays them back at a relay of its own, twice. */
export async function replayElsewhere(folder: string, home: string, count: number): Promise<Elsewhere> {
  const env = person(`${folder}/reader`, home);
  const to = parseAccountId(await must(qight("key", "gen", "--no-passphrase"), { env }));
  const alice = await wireDevice();
  const entries: Entry[] = [];
  const captured: Uint8Array[] = [];
  {
    await using client = await connectVia("quic", home, alice);
    await join(client, alice);
    const recipient = (await openBundle((await client.getSealingKeys(to)).bundle!)).devices[0].key;
    for (let n = 0; n < count; n++) {
      const text = `elsewhere-${n}-${crypto.randomUUID()}`;
      const entry = { text, sender: "alice", n };
      const content = create(ContentSchema, { body: { case: "text", value: text } });
      const bytes = await signEnvelope(alice.signer, {
        id: crypto.getRandomValues(new Uint8Array(16)),
        sender: alice.signer.publicKey,
        recipient,
        createdAtMs: Date.now(),
        ttlS: 0,
        contentType: CONTENT_PLAIN,
        payload: toBinary(ContentSchema, content),
      });
      entries.push({ kind: "intent", ...entry });
      captured.push(bytes);
      await client.send(bytes);
      entries.push({ kind: "ack", ...entry });
    }
  }
  const fetch = async (relay: string) => {
    for (const line of (await must(qight("fetch", "--json", "--relay", relay), { env })).split("\n")) {
      if (line === "") continue;
      const { text, id } = JSON.parse(line);
      entries.push({ kind: "shown", text, id, reader: "reader" });
    }
  };
  await fetch(home);

  Deno.mkdirSync(`${folder}/away`);
  await using away = new RelayProcess(`${folder}/away`);
  await away.start();
  await fetch(away.address); // publishes the reader's keys there too
  let taken = 0;
  for (let time = 0; time < 2; time++) {
    await using client = await connectVia("quic", away.address, alice);
    if (time === 0) await join(client, alice);
    for await (const outcome of client.sendMany(captured)) {
      if (outcome.kind === "accepted" && !outcome.receipt.duplicate) taken++;
    }
    await fetch(away.address);
  }
  const held = await away.holds();
  const broken = held > 0 ? [`the other relay still holds ${held} messages that were shown before`] : [];
  return { taken, complaints: [...broken, ...complaints(checkLedgers(entries))] };
}
