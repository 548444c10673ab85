/**
 * The thread of a UDP proxy: between clients and a relay it does to datagrams what a bad network does.
 * @module
 */
import { seeded } from "../random.ts";
import { createImpairment, type Impairment, type Toll } from "./impairment.ts";

/** What the thread is told: first where to and how bad, then to change the clients' source ports. */
export type ToProxy =
  | { kind: "open"; target: Deno.NetAddr; impairment: Impairment; seed: number }
  | { kind: "rebind" }
  | {
    kind: "toll";
  };
/** What it answers. */
export type FromProxy = { kind: "opened"; port: number } | { kind: "rebound"; clients: number } | {
  kind: "toll";
  toll: Toll;
};

/** Where a client's datagrams leave towards the relay; a rebind gives it another socket, and so another port. */
interface Path {
  readonly client: Deno.NetAddr;
  socket: Deno.DatagramConn;
}

let proxy: UdpProxy | null = null;
const thread = self as unknown as {
  onmessage: (message: MessageEvent<ToProxy>) => void;
  postMessage(message: FromProxy): void;
};
thread.onmessage = ({ data }) => {
  if (data.kind === "open") {
    proxy = new UdpProxy(data.target, data.impairment, data.seed);
    thread.postMessage({ kind: "opened", port: proxy.port });
  } else if (data.kind === "rebind") thread.postMessage({ kind: "rebound", clients: proxy!.rebind() });
  else thread.postMessage({ kind: "toll", toll: proxy!.toll });
};

class UdpProxy {
  readonly port: number;
  readonly toll: Toll;
  readonly #front = anySocket();
  readonly #target: Deno.NetAddr;
  readonly #network: ReturnType<typeof createImpairment>;
  readonly #paths = new Map<number, Path>();

  constructor(target: Deno.NetAddr, impairment: Impairment, seed: number) {
    this.#target = target;
    this.#network = createImpairment(impairment, seeded(seed));
    this.toll = this.#network.toll;
    this.port = (this.#front.addr as Deno.NetAddr).port;
    this.#forward();
  }

  /** Every client gets another source port; what is under way to the old one is lost, as behind a NAT that forgot it. */
  rebind(): number {
    for (const path of this.#paths.values()) {
      path.socket.close();
      path.socket = anySocket();
      this.#back(path);
    }
    return this.#paths.size;
  }

  async #forward(): Promise<void> {
    for await (const [datagram, from] of this.#front) {
      const client = from as Deno.NetAddr;
      let path = this.#paths.get(client.port);
      if (!path) {
        path = { client, socket: anySocket() };
        this.#paths.set(client.port, path);
        this.#back(path);
      }
      const { socket } = path;
      this.#carry(datagram, (arrived) => path.socket === socket ? socket.send(arrived, this.#target) : undefined);
    }
  }

  async #back(path: Path): Promise<void> {
    for await (const [datagram] of path.socket) {
      this.#carry(datagram, (arrived) => this.#front.send(arrived, path.client));
    }
  }

  #carry(datagram: Uint8Array, deliver: (datagram: Uint8Array) => Promise<number> | undefined): void {
    for (const { datagram: arrived, delayMs } of this.#network.of(datagram, performance.now())) {
      if (delayMs === 0) this.#deliver(deliver, arrived);
      else {
        const kept = arrived.slice(); // the socket may use its buffer again
        setTimeout(() => this.#deliver(deliver, kept), delayMs);
      }
    }
  }

  #deliver(deliver: (datagram: Uint8Array) => Promise<number> | undefined, datagram: Uint8Array): void {
    deliver(datagram)?.catch((error) => {
      // A client that has ended, or a relay that was stopped: its datagrams are lost, as on any network.
      if (!(error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.BadResource)) throw error;
    });
  }
}

function anySocket(): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
}
