/**
 * Load: connects, proves its device, closes. `handshakes.ts ADDRESS FOLDER IN_FLIGHT SECONDS` (a process of its own).
 * @module
 */
import { RelayClient } from "../../client/relay_client.ts";
import { closedLoop } from "../closed_loop.ts";
import { readPeople } from "./people.ts";

const [address, folder, inFlight, seconds] = Deno.args;
const { senders: [{ device }] } = await readPeople(`${folder}/people.json`);
const counted = await closedLoop(() => async () => {
  const client = await RelayClient.connect(address, { signer: device });
  client.close();
}, { inFlight: Number(inFlight), seconds: Number(seconds) });
console.log(JSON.stringify(counted));
