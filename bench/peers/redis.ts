/**
 * A minimal Redis client: XADD, one reply each, in order (RESP2).
 * @module
 */
import { ByteReader, JoiningWriter, Owed, type Publisher, utf8 } from "./publisher.ts";

/** Connects; each payload becomes one entry of the stream `bench`. */
export async function connectRedis(port: number): Promise<Publisher> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  const reader = new ByteReader(conn);
  const owed = new Owed<number>();
  let asked = 0, answered = 0, closed = false;
  const fail = (error: unknown) => {
    if (!closed) owed.failAll(error);
  };
  const writer = new JoiningWriter(conn, fail);
  read().catch(fail);
  return {
    publish: (payload) => {
      writer.write(
        utf8(`*5\r\n$4\r\nXADD\r\n$5\r\nbench\r\n$1\r\n*\r\n$1\r\nd\r\n$${payload.length}\r\n`),
        payload,
        utf8("\r\n"),
      );
      return owed.wait(asked++);
    },
    close: () => {
      closed = true;
      conn.close();
    },
  };

  async function read(): Promise<void> {
    for (;;) {
      const line = await reader.line();
      if (line.startsWith("$")) await reader.exactly(Number(line.slice(1)) + 2);
      owed.settle(answered++, line.startsWith("-") ? new Error(`redis-server: ${line}`) : undefined);
    }
  }
}
