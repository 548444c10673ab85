/** The contracts over WebSocket. @module */

import net from "node:net";
import { connectWebSocket } from "../../net/websocket.ts";
import { listenWebSocket } from "../../net/websocket_listener.ts";
import { connectionContract, first, pairOver } from "../contracts/connection_contract.ts";
import { listenerContract } from "../contracts/listener_contract.ts";
import { tcpProxy } from "./cut_proxy.ts";
import { testRoot } from "./relay_fixture.ts";

const root = await testRoot();
const leaf = await root.leaf();

connectionContract("websocket", async ({ cuttable }) => {
  const listener = await listenWebSocket({ hostname: "127.0.0.1", port: 0, leaf });
  const proxy = cuttable ? await tcpProxy(listener.address) : undefined;
  const client = await connectWebSocket({ ...(proxy ?? listener).address, trust: root.trust });
  return pairOver(listener, proxy, { client, server: await first(listener.connections) });
});

listenerContract("websocket", {
  listen: listenWebSocket,
  connect: connectWebSocket,
  expired: "wrong_relay",
  async stall(address) {
    const socket = net.connect(address.port, address.hostname);
    socket.on("error", () => socket.destroy());
    await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
    return () => socket.destroy();
  },
});
