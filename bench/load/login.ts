/**
 * Load: one person registers and signs in `TIMES` times, with the stretching of everybody, through the client's library.
 * `login.ts ADDRESS TIMES` (a process of its own).
 * @module
 */
import { login } from "../../client/accounts/login.ts";
import { register } from "../../client/accounts/register.ts";
import { systemClock, systemRandom } from "../../client/clock.ts";
import { OpaqueThread } from "../../client/opaque_thread.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import { accountFromSeed } from "../../crypto/account.ts";
import { generateSeed, signerFromSeed } from "../../crypto/ed25519.ts";
import { asQightError } from "../../proto/errors.ts";
import { selfCheck } from "./spawn.ts";

const [address, times] = Deno.args;

const signer = await signerFromSeed(generateSeed());
const identity = { account: await accountFromSeed(generateSeed()), signer, deviceName: "bench" };
await using store = await openSqliteStore({ path: ":memory:", key: generateSeed() });
await using relay = await RelayClient.connect(address, { signer });
const room = { relay, relayName: "bench", store, identity, clock: systemClock, random: systemRandom };
{
  using opaque = new OpaqueThread();
  await register({ ...room, opaque }, "ada", "correct horse");
  const wrong = await login({ ...room, opaque }, "ada", "wrong").then(() => "signed in", (e) => asQightError(e).code);
  selfCheck(wrong === "wrong_password", `a wrong password was answered with ${wrong}`);
}
const ms: number[] = [];
for (let time = 0; time < Number(times); time++) {
  const began = performance.now();
  using opaque = new OpaqueThread();
  await login({ ...room, opaque }, "ada", "correct horse");
  ms.push(performance.now() - began);
}
console.log(JSON.stringify({ ms }));
