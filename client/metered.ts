/** A connection that tells how many bytes went out, for who watches a large message go. @module */
import type { ByteStream, Connection } from "../net/connection.ts";

/** Bytes handed over in one go: small enough to see them move on a slow line. */
const PIECE_BYTES = 16 * 1024;

/** The same connection; `onWritten` hears the bytes of each piece that the transport has taken. */
export function metered(connection: Connection, onWritten: (bytes: number) => void): Connection {
  return {
    transport: connection.transport,
    peer: connection.peer,
    openStream: async () => meteredStream(await connection.openStream(), onWritten),
    get incoming() {
      return connection.incoming;
    },
    closed: connection.closed,
    close: (code, reason) => connection.close(code, reason),
  };
}

function meteredStream(stream: ByteStream, onWritten: (bytes: number) => void): ByteStream {
  return {
    read: () => stream.read(),
    end: () => stream.end(),
    reset: (code) => stream.reset(code),
    async write(bytes) {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        const piece = bytes.subarray(at, at + PIECE_BYTES);
        await stream.write(piece);
        onWritten(piece.length);
      }
    },
  };
}
