/**
 * A minimal MQTT 3.1.1 client: PUBLISH with QoS 1, one PUBACK each.
 * @module
 */
import { ByteReader, JoiningWriter, Owed, type Publisher, utf8 } from "./publisher.ts";

const CONNACK = 2, PUBACK = 4;

/** Connects with a clean session; payloads go to the topic `bench`. */
export async function connectMqtt(port: number): Promise<Publisher> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  const reader = new ByteReader(conn);
  const owed = new Owed<number>();
  let last = 0, closed = false;
  const fail = (error: unknown) => {
    if (!closed) owed.failAll(error);
  };
  const writer = new JoiningWriter(conn, fail);
  // CONNECT: protocol name, level 4, clean session, no keep-alive, a client id.
  writer.write(packet(0x10, field("MQTT"), Uint8Array.of(4, 2, 0, 0), field(crypto.randomUUID())));
  read().catch(fail);
  await owed.wait(0);
  return {
    publish: (payload) => {
      last = last % 65535 + 1; // packet ids are 1 to 65535
      writer.write(packet(0x32, field("bench"), Uint8Array.of(last >> 8, last & 255), payload));
      return owed.wait(last);
    },
    close: () => {
      closed = true;
      conn.close();
    },
  };

  async function read(): Promise<void> {
    for (;;) {
      const kind = (await reader.exactly(1))[0] >> 4;
      const body = await reader.exactly(await remainingLength());
      if (kind === CONNACK) owed.settle(0, body[1] === 0 ? undefined : new Error(`mosquitto refused: ${body[1]}`));
      if (kind === PUBACK) owed.settle(body[0] << 8 | body[1]);
    }
  }

  async function remainingLength(): Promise<number> {
    for (let length = 0, shift = 0;; shift += 7) {
      const byte = (await reader.exactly(1))[0];
      length |= (byte & 127) << shift;
      if (byte < 128) return length;
    }
  }
}

/** A string with its length before it (u16 big-endian). */
function field(text: string): Uint8Array {
  const bytes = utf8(text);
  return Uint8Array.of(bytes.length >> 8, bytes.length & 255, ...bytes);
}

function packet(head: number, ...parts: Uint8Array[]): Uint8Array {
  let length = parts.reduce((sum, part) => sum + part.length, 0);
  const size: number[] = [];
  do {
    size.push(length & 127 | (length > 127 ? 128 : 0));
    length >>= 7;
  } while (length > 0);
  const whole = new Uint8Array(1 + size.length + parts.reduce((sum, part) => sum + part.length, 0));
  whole[0] = head;
  whole.set(size, 1);
  let at = 1 + size.length;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
