/**
 * The relay's certificate comes of age under load and is renewed: nobody is sent away, newcomers get the new one.
 * @module
 */
import { issueLeaf } from "../../../net/tls.ts";
import { parseRootKey, rootKeyFromSeed } from "../../../relay/data_folder/root_key.ts";
import { complaints } from "../checker.ts";
import { equal } from "../../../crypto/equal.ts";
import type { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { after, countsOf, Crowd, underLoad, until } from "./crowd.ts";
import { fingerprint, leafOverTcp, servesOverQuic } from "./served_leaf.ts";
import { connectVia, type Via } from "./wire_peer.ts";
import { Traffic } from "./traffic.ts";

/** Renewals at half of a leaf's life. */
export const certificateRenewal: Row = {
  name: "certificate-renewal",
  property: "a certificate renewed under load drops nobody over QUIC or WebSocket, newcomers see it, nothing is lost",
  rounds: { ci: 4, night: 60 },
  run: prove,
};

const VIAS: readonly Via[] = ["quic", "websocket"];
const DAY_MS = 24 * 60 * 60 * 1000;
/** What is left of a leaf of 30 days that must be renewed: a little less than half. */
const AGED_DAYS = 14;

async function prove(size: Size): Promise<Finding> {
  await using crowd = await Crowd.start();
  const { relay } = crowd;
  const traffic = await Traffic.through(crowd, { window: 32, perSecond: 100 });
  const { lines } = traffic;
  const broken: string[] = [];

  // These are there from the first leaf to the last.
  const residents = await Promise.all(VIAS.map(async (via) => {
    const resident = { via, client: await connectVia(via, relay.address), gone: false };
    resident.client.closed.then(() => resident.gone = true);
    return resident;
  }));
  let newcomers = 0;
  for (let round = 0; round < size.rounds; round++) {
    const complain = (what: string) => broken.push(`renewal ${round}: ${what}`);
    if (!await underLoad(lines)) complain("a sender got no ack before it");
    const before = await leafOverTcp(relay.port);
    const next = await renewed(relay);
    if (next === null) {
      complain(`no new leaf: ${relay.lastWords()}`);
      continue;
    }
    if (!equal(await leafOverTcp(relay.port), next)) complain("TCP does not show the new leaf");
    if (!await servesOverQuic(relay.port, next)) complain("QUIC does not show the new leaf");
    if (await servesOverQuic(relay.port, before)) complain("QUIC still shows the old leaf");
    for (const { via, client, gone } of residents) {
      if (gone) complain(`the client over ${via} was sent away`);
      else await client.ping();
    }
    for (const via of VIAS) {
      await using client = await connectVia(via, relay.address);
      await client.ping();
      newcomers++;
    }
    if (!await underLoad(lines)) complain("a sender got no ack after it");
  }
  for (const { client } of residents) await client[Symbol.asyncDispose]();
  broken.push(...await traffic.finish());
  const exit = await relay.stop();
  if (exit !== 0) broken.push(`the relay ended with ${exit}`);
  const verdict = crowd.verdict();
  return {
    counts: { renewals: size.rounds, residents: residents.length, newcomers, ...countsOf(verdict) },
    complaints: [...broken, ...complaints(verdict)],
  };
}

/** Lets the stored leaf come of age and has the relay look (as it does each hour); the new leaf's fingerprint. */
async function renewed(relay: RelayProcess): Promise<Uint8Array | null> {
  const path = `${relay.dataDir}/leaf.pem`;
  const root = await rootKeyFromSeed(parseRootKey(Deno.readTextFileSync(`${relay.dataDir}/root.key`), "root.key"));
  const aged = await issueLeaf({
    rootPrivateKey: root.privateKey,
    rootPublicKey: root.publicKey,
    hosts: ["127.0.0.1"],
    notAfter: new Date(Date.now() + AGED_DAYS * DAY_MS),
  });
  const text = `${aged.cert.trim()}\n${aged.key.trim()}\n`;
  Deno.writeTextFileSync(path, text, { mode: 0o600 });
  Deno.kill(relay.pid, "SIGHUP");
  if (!await until(() => Deno.readTextFileSync(path) !== text, 20_000)) return null;
  const next = fingerprint(Deno.readTextFileSync(path));
  const deadline = performance.now() + 10_000;
  // The file is written first, then the sockets take it over.
  while (!equal(await leafOverTcp(relay.port), next) && performance.now() < deadline) await after(10);
  return next;
}
