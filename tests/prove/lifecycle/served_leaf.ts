/**
 * Which certificate a relay shows right now, to those who look over QUIC and over TCP.
 * @module
 */
import { createHash, X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { RELAY_SERVER_NAME } from "../../../net/tls.ts";
import { CLIENT_ALPN } from "../../../net/quic.ts";

/** SHA-256 of a certificate's DER bytes, 32 bytes. */
export function fingerprint(pem: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(new X509Certificate(pem).raw).digest());
}

/** The fingerprint of the leaf that the TCP port shows. */
export function leafOverTcp(port: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: "127.0.0.1", port, servername: RELAY_SERVER_NAME, rejectUnauthorized: false },
      () => {
        const { raw } = socket.getPeerCertificate();
        socket.destroy();
        resolve(new Uint8Array(createHash("sha256").update(raw).digest()));
      },
    );
    socket.once("error", reject);
  });
}

/** Whether a QUIC handshake that accepts this leaf alone succeeds. */
export async function servesOverQuic(port: number, leaf: Uint8Array): Promise<boolean> {
  using endpoint = new ClosingEndpoint();
  try {
    const connection = await Deno.connectQuic({
      endpoint: endpoint.opened,
      hostname: "127.0.0.1",
      port,
      serverName: RELAY_SERVER_NAME,
      alpnProtocols: [CLIENT_ALPN],
      // Not in the types: the pin of the WebTransport specification, which Deno applies here as well.
      ...{ serverCertificateHashes: [{ algorithm: "sha-256", value: leaf }] },
    });
    connection.close({ closeCode: 0, reason: "" });
    return true;
  } catch (error) {
    // rustls answers a leaf that is not the pinned one with a certificate error; anything else is another fault.
    if (String(error).toLowerCase().includes("certificate")) return false;
    throw error;
  }
}

class ClosingEndpoint implements Disposable {
  readonly opened = new Deno.QuicEndpoint({ hostname: "127.0.0.1", port: 0 });
  [Symbol.dispose](): void {
    this.opened.close();
  }
}
