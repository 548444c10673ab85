/**
 * A minimal JetStream publisher: PUB with a reply subject, one PubAck each (nats-io/nats-server protocol, 2.x).
 * @module
 */
import { ByteReader, JoiningWriter, Owed, type Publisher, utf8 } from "./publisher.ts";

/** Connects; with `caCerts` the connection is upgraded to TLS after INFO, as NATS does it. Makes the stream if absent. */
export async function connectJetStream(port: number, caCerts: string[] | null): Promise<Publisher> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  tcp.setNoDelay(true);
  let reader = new ByteReader(tcp);
  await reader.line(); // INFO {…}
  const conn = caCerts === null ? tcp : await Deno.startTls(tcp, { hostname: "localhost", caCerts });
  if (caCerts !== null) reader = new ByteReader(conn);

  const owed = new Owed<string>();
  let closed = false, last = 0;
  const fail = (error: unknown) => {
    if (!closed) owed.failAll(error);
  };
  const writer = new JoiningWriter(conn, fail);
  const inbox = `_INBOX.${crypto.randomUUID().replaceAll("-", "")}`;
  writer.write(
    utf8(`CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\nSUB ${inbox}.* 1\r\n`),
  );
  read().catch(fail);
  await request("$JS.API.STREAM.CREATE.bench", utf8('{"name":"bench","subjects":["bench"],"storage":"file"}'));

  return {
    publish: (payload) => request("bench", payload),
    close: () => {
      closed = true;
      conn.close();
    },
  };

  function request(subject: string, payload: Uint8Array): Promise<void> {
    const reply = `${inbox}.${++last}`;
    writer.write(utf8(`PUB ${subject} ${reply} ${payload.length}\r\n`), payload, utf8("\r\n"));
    return owed.wait(reply);
  }

  async function read(): Promise<void> {
    for (;;) {
      const line = await reader.line();
      if (line === "PING") writer.write(utf8("PONG\r\n"));
      else if (line.startsWith("-ERR")) throw new Error(`nats-server: ${line}`);
      else if (line.startsWith("MSG ") || line.startsWith("HMSG ")) {
        const words = line.split(" ");
        const size = Number(words.at(-1));
        const body = new TextDecoder().decode((await reader.exactly(size + 2)).subarray(0, size));
        owed.settle(words[1], body.includes('"error"') || words[0] === "HMSG" ? new Error(body) : undefined);
      }
    }
  }
}
