/**
 * The peers as processes of their own: how each is started for a measurement, and what it promises.
 * @module
 */
import { issueLeaf, rootCertificate } from "../../net/tls.ts";
import { QightError } from "../../proto/errors.ts";
import { end, Folder, freePort, script } from "../../tests/prove/processes.ts";

/** A peer as it is started for one figure. */
export interface Peer {
  readonly figure: string;
  /** As a plot calls it. */
  readonly name: string;
  readonly kind: "nats" | "redis" | "mqtt";
  readonly server: string;
  readonly promise: string;
  /** Arguments of the server; files it needs are written into `folder` first. */
  arguments(folder: string, port: number): Promise<string[]> | string[];
  readonly tls?: boolean;
}

/** The peers, and what each promises. */
export const peers: readonly Peer[] = [
  {
    figure: "jetstream_publish_per_s_128",
    name: "JetStream (no sync)",
    kind: "nats",
    server: "nats-server",
    promise: "ack before sync (default: one sync every 2 minutes), no TLS",
    arguments: (folder, port) => ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder],
  },
  {
    figure: "jetstream_sync_always_tls_publish_per_s_128",
    name: "JetStream (sync, TLS)",
    kind: "nats",
    server: "nats-server",
    promise: "ack after sync, TLS: the same as qight",
    tls: true,
    arguments: async (folder, port) => {
      await writeCertificates(folder);
      const config = `listen: "127.0.0.1:${port}"
tls { cert_file: "${folder}/leaf.pem", key_file: "${folder}/key.pem" }
jetstream { store_dir: "${folder}", sync_interval: always }
`;
      Deno.writeTextFileSync(`${folder}/nats.conf`, config);
      return ["-c", `${folder}/nats.conf`];
    },
  },
  {
    figure: "redis_xadd_per_s_128",
    name: "Redis (sync)",
    kind: "redis",
    server: "redis-server",
    promise: "reply after sync of the append-only file (appendfsync always), no TLS, no signature",
    arguments: (folder, port) => [
      ...["--bind", "127.0.0.1", "--port", String(port), "--dir", folder],
      ...["--appendonly", "yes", "--appendfsync", "always", "--save", ""],
    ],
  },
  {
    figure: "mosquitto_qos1_per_s_128",
    name: "Mosquitto (no disk)",
    kind: "mqtt",
    server: "mosquitto",
    promise: "ack before anything is on disk, no TLS",
    arguments: (folder, port) => {
      const config = `listener ${port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location ${folder}/
user root
max_queued_messages 0
`;
      Deno.writeTextFileSync(`${folder}/mosquitto.conf`, config);
      return ["-c", `${folder}/mosquitto.conf`];
    },
  },
];

/** A peer that runs. */
export class RunningPeer implements AsyncDisposable {
  readonly #peer: Peer;
  readonly #folder: Folder;
  readonly #port: number;
  readonly #child: Deno.ChildProcess;

  private constructor(peer: Peer, folder: Folder, port: number, child: Deno.ChildProcess) {
    this.#peer = peer;
    this.#folder = folder;
    this.#port = port;
    this.#child = child;
  }

  /** Starts it in a folder of its own; null when it is not installed (bench/setup_peers). */
  static async start(peer: Peer): Promise<RunningPeer | null> {
    if (!installed(peer.server)) return null;
    const folder = new Folder();
    const port = freePort();
    const args = await peer.arguments(folder.path, port);
    const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
    const running = new RunningPeer(
      peer,
      folder,
      port,
      new Deno.Command(peer.server, { args, ...quiet }).spawn(),
    );
    await listening(port);
    return running;
  }

  /** One run of the load generator: `closed` with so many in flight, or `open` at so many a second. */
  async load<Counts>(loop: "closed" | "open", bytes: number, measure: number, seconds: number): Promise<Counts> {
    const { kind, tls } = this.#peer;
    const args = [kind, this.#port, bytes, CONNECTIONS, loop, measure, seconds];
    const output = await new Deno.Command(Deno.execPath(), {
      args: script("bench/peers/load.ts", ...args.map(String), ...(tls ? [`${this.#folder.path}/root.pem`] : [])),
      stdin: "null",
      stderr: "piped",
    }).output();
    const text = new TextDecoder();
    if (!output.success) throw new QightError("internal", `load failed: ${text.decode(output.stderr).trim()}`);
    return JSON.parse(text.decode(output.stdout)) as Counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    end(this.#child, "SIGKILL");
    await this.#child.status;
    this.#folder[Symbol.dispose]();
  }
}

const CONNECTIONS = 4;

function installed(server: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").concat("/usr/sbin").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${server}`).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
      throw error;
    }
  });
}

async function listening(port: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** The relay's own kind of certificates: an Ed25519 root and a P-256 leaf. */
async function writeCertificates(folder: string): Promise<void> {
  const root = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]) as CryptoKeyPair;
  const rootPublicKey = new Uint8Array(await crypto.subtle.exportKey("raw", root.publicKey));
  const notAfter = new Date(Date.now() + 86_400_000);
  const leaf = await issueLeaf({ rootPrivateKey: root.privateKey, rootPublicKey, hosts: ["localhost"], notAfter });
  Deno.writeTextFileSync(`${folder}/root.pem`, rootCertificate(rootPublicKey));
  Deno.writeTextFileSync(`${folder}/leaf.pem`, leaf.cert);
  Deno.writeTextFileSync(`${folder}/key.pem`, leaf.key, { mode: 0o600 });
}
