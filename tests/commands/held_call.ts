/** A call that a relay waits for when it drains. @module */
import { createRpc } from "../../client/rpc.ts";
import { parseRelayAddress } from "../../net/address.ts";
import { dial } from "../../net/race.ts";
import { SessionService } from "../../proto/gen/qight/v1/session_pb.ts";

/** A connection with a HELLO that is begun and not finished: a drain waits for it. */
export async function holdCall(address: string): Promise<{ close(): void }> {
  const connection = await dial({ address: parseRelayAddress(address), timeoutMs: 10_000 });
  const call = await createRpc(connection).bidi(SessionService.method.hello);
  const value = { version: 1, clientNonce: new Uint8Array(32), device: new Uint8Array(0), client: "test" };
  await call.send({ step: { case: "start", value } });
  await call.responses[Symbol.asyncIterator]().next();
  return {
    close() {
      call.cancel();
      connection.close();
    },
  };
}
