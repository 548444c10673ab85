/**
 * A bad network between real clients and a real relay: a UDP proxy in a thread of its own, and TCP beside it or not.
 * @module
 */
import type net from "node:net";
import { QightError } from "../../../proto/errors.ts";
import type { Impairment, Toll } from "./impairment.ts";
import type { FromProxy, ToProxy } from "./udp_proxy_worker.ts";
import { tcpForwarder } from "../../helpers/tcp_forwarder.ts";

/** How bad, from which seed, and whether TCP passes unharmed on the same port number. */
export interface BadNetworkOptions {
  readonly impairment: Impairment;
  readonly seed: number;
  readonly tcp?: boolean;
}

/** An open proxy on loopback. */
export class BadNetwork implements AsyncDisposable {
  readonly port: number;
  readonly #worker: Worker;
  readonly #server: net.Server | null;
  readonly #sockets: Set<net.Socket>;

  private constructor(port: number, worker: Worker, server: net.Server | null, sockets: Set<net.Socket>) {
    this.port = port;
    this.#worker = worker;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** Opens it in front of a relay on 127.0.0.1; throws `port_taken` when TCP cannot have the same number. */
  static async open(relayPort: number, { impairment, seed, tcp = false }: BadNetworkOptions): Promise<BadNetwork> {
    const worker = new Worker(new URL("./udp_proxy_worker.ts", import.meta.url), { type: "module" });
    const target: Deno.NetAddr = { transport: "udp", hostname: "127.0.0.1", port: relayPort };
    const opened = await ask(worker, { kind: "open", target, impairment, seed });
    if (opened.kind !== "opened") throw new QightError("invariant", "The proxy did not open");
    const sockets = new Set<net.Socket>();
    return new BadNetwork(opened.port, worker, tcp ? await forwardTcp(opened.port, relayPort, sockets) : null, sockets);
  }

  /** The relay's address as clients behind this network dial it. */
  address(relayAddress: string): string {
    return relayAddress.replace(/:\d+$/, `:${this.port}`);
  }

  /** Gives every client another source port; answers how many there are. */
  async rebind(): Promise<number> {
    const answer = await ask(this.#worker, { kind: "rebind" });
    return answer.kind === "rebound" ? answer.clients : 0;
  }

  /** What became of the datagrams so far. */
  async toll(): Promise<Toll> {
    const answer = await ask(this.#worker, { kind: "toll" });
    if (answer.kind !== "toll") throw new QightError("invariant", "The proxy counts nothing");
    return answer.toll;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.terminate();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server ? this.#server.close(() => resolve()) : resolve());
  }
}

function ask(worker: Worker, message: ToProxy): Promise<FromProxy> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new QightError("internal", `The proxy broke down: ${event.message}`));
    worker.postMessage(message);
  });
}

function forwardTcp(port: number, relayPort: number, sockets: Set<net.Socket>): Promise<net.Server> {
  const server = tcpForwarder({ hostname: "127.0.0.1", port: relayPort }, sockets);
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(new QightError("port_taken", `TCP port ${port} is taken`, { cause })));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
