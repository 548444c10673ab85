/** The connection contract over memory. @module */

import { memoryPair } from "../../net/memory.ts";
import { connectionContract } from "../contracts/connection_contract.ts";

connectionContract("memory", async () => {
  const [client, server] = memoryPair();
  return {
    client,
    server,
    cut: () => client.break(),
    [Symbol.asyncDispose]: async () => client.close(),
  };
});
