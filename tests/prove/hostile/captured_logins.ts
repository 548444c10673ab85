/**
 * Logins as somebody on the wire would have captured them, and what a relay says when one is played back.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { systemClock, systemRandom } from "../../../client/clock.ts";
import { createRpc } from "../../../client/rpc.ts";
import { dialledName } from "../../../client/session.ts";
import { signSessionProof } from "../../../crypto/session_proof.ts";
import type { Signer } from "../../../crypto/ed25519.ts";
import { parseRelayAddress } from "../../../net/address.ts";
import type { Connection } from "../../../net/connection.ts";
import { dial } from "../../../net/race.ts";
import { asQightError, type ErrorCode, QightError } from "../../../proto/errors.ts";
import { HelloRequestSchema, SessionService } from "../../../proto/gen/qight/v1/session_pb.ts";

const TIMEOUT_MS = 10_000;

/** Everything that crossed the wire from the client in one accepted login. */
export interface CapturedLogin {
  readonly device: Uint8Array;
  readonly clientNonce: Uint8Array;
  readonly dialled: string;
  readonly signature: Uint8Array;
  /** Of a session; empty where the relay has none. */
  readonly token: string;
}

/** Logs in once over a connection of its own and keeps what was sent. */
export async function captureLogin(address: string, signer: Signer, token = ""): Promise<CapturedLogin> {
  const parsed = parseRelayAddress(address);
  const connection = await dial({ address: parsed, timeoutMs: TIMEOUT_MS, transports: ["quic"] });
  try {
    const clientNonce = crypto.getRandomValues(new Uint8Array(32));
    const dialled = dialledName(parsed);
    const login = { device: signer.publicKey, clientNonce, dialled, token };
    let signature = new Uint8Array(0);
    const code = await sayHello(connection, login, async ({ relayNonce, root }) => {
      const proof = { transport: connection.transport, dialled, clientNonce, relayNonce, root };
      return signature = await signSessionProof(signer, proof) as Uint8Array<ArrayBuffer>;
    });
    if (code !== "accepted") throw new QightError("internal", `An honest login ended with ${code}`);
    return { ...login, signature };
  } finally {
    connection.close();
    await connection.closed;
  }
}

/** Plays logins back on one fresh connection; answers how often each outcome came ("accepted" is the broken promise). */
export async function replayLogins(
  address: string,
  logins: readonly CapturedLogin[],
): Promise<Map<ErrorCode | "accepted", number>> {
  const connection = await dial({ address: parseRelayAddress(address), timeoutMs: TIMEOUT_MS, transports: ["quic"] });
  try {
    const outcomes = new Map<ErrorCode | "accepted", number>();
    for (const login of logins) {
      const code = await sayHello(connection, login, () => Promise.resolve(login.signature));
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
    }
    return outcomes;
  } finally {
    connection.close();
    await connection.closed;
  }
}

async function sayHello(
  connection: Connection,
  { device, clientNonce, dialled, token }: Omit<CapturedLogin, "signature">,
  prove: (challenge: { relayNonce: Uint8Array; root: Uint8Array }) => Promise<Uint8Array>,
): Promise<ErrorCode | "accepted"> {
  const rpc = createRpc(connection, { clock: systemClock, random: systemRandom, timeoutMs: TIMEOUT_MS });
  const call = await rpc.bidi(SessionService.method.hello, { timeoutMs: TIMEOUT_MS });
  try {
    const answers = call.responses[Symbol.asyncIterator]();
    const start = { version: 1, clientNonce, device, client: "captured" };
    await call.send(create(HelloRequestSchema, { step: { case: "start", value: start } }));
    const challenge = await answers.next();
    if (challenge.done || challenge.value.step.case !== "challenge") {
      throw new QightError("internal", "No challenge came");
    }
    const signature = await prove(challenge.value.step.value);
    const proof = { dialled, signature, token, bundle: new Uint8Array(0) };
    await call.send(create(HelloRequestSchema, { step: { case: "proof", value: proof } }));
    const accepted = await answers.next();
    return !accepted.done && accepted.value.step.case === "accepted" ? "accepted" : "protocol";
  } catch (thrown) {
    return asQightError(thrown).code;
  } finally {
    call.cancel();
  }
}
