/**
 * What other message stores do at the same size and concurrency in the same run: bench/README.md says what each promises.
 * @module
 */
import { issueLeaf, rootCertificate } from "../../net/tls.ts";
import { end, Folder, freePort, script } from "../../tests/prove/processes.ts";
import type { Counted } from "../closed_loop.ts";
import { type Figure, medianFigure } from "../figure.ts";

/** A peer as it is started for one figure. */
interface Peer {
  readonly figure: string;
  readonly kind: "nats" | "redis" | "mqtt";
  readonly server: string;
  readonly promise: string;
  /** Arguments of the server; files it needs are written into `folder` first. */
  arguments(folder: string, port: number): Promise<string[]> | string[];
  readonly tls?: boolean;
}

const peers: readonly Peer[] = [
  {
    figure: "jetstream_publish_per_s_128",
    kind: "nats",
    server: "nats-server",
    promise: "ack before sync (default: one sync every 2 minutes), no TLS",
    arguments: (folder, port) => ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder],
  },
  {
    figure: "jetstream_sync_always_tls_publish_per_s_128",
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

/** Publishes `bytes` a message, 128 in flight over 4 connections, to every peer that is installed. */
export async function* peerFigures(options: { bytes: number; runs: number; seconds: number }): AsyncIterable<Figure> {
  for (const peer of peers) yield await measure(peer, options);
}

async function measure(
  peer: Peer,
  { bytes, runs, seconds }: { bytes: number; runs: number; seconds: number },
): Promise<Figure> {
  const { figure, promise } = peer;
  if (!installed(peer.server)) {
    return { figure, value: null, unit: "1/s", skipped: `${peer.server} is not installed: bench/setup_peers` };
  }
  using folder = new Folder();
  const port = freePort();
  const child = new Deno.Command(peer.server, {
    args: await peer.arguments(folder.path, port),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await listening(port);
    const rates: number[] = [];
    for (let run = 0; run < runs; run++) {
      const args = [peer.kind, port, bytes, 4, 128, seconds, ...(peer.tls ? [`${folder.path}/root.pem`] : [])];
      const output = await new Deno.Command(Deno.execPath(), {
        args: script("bench/peers/load.ts", ...args.map(String)),
        stdin: "null",
        stderr: "inherit",
      }).output();
      if (!output.success) return { figure, value: null, unit: "1/s", skipped: "the load generator failed" };
      rates.push((JSON.parse(new TextDecoder().decode(output.stdout)) as Counted).perSecond);
    }
    return medianFigure(figure, "1/s", rates, { bytes, promise });
  } finally {
    end(child, "SIGKILL");
    await child.status;
  }
}

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
