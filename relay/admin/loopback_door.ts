/**
 * The operator's door where there are no unix sockets that Deno could open (Windows): a TCP port of the loopback
 * interface. Anybody on the machine can connect to it, so both ends prove that they know a secret, which lies with the
 * port in a private file at the place where the socket would be.
 * @module
 */

import { createHmac } from "node:crypto";
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import { pathError } from "../data_folder/folder.ts";
import { writePrivateFile } from "../data_folder/private_file.ts";

/** Lines of JSON that came; `jsonLines` makes them. */
export type AdminLines = AsyncGenerator<unknown>;

type Write = (value: unknown) => Promise<void>;

/** What the file holds. */
interface Door {
  readonly port: number;
  readonly secret: Uint8Array;
}

const NONCE = 32;

/** Listens on a free port and writes the file; the caller removes it. */
export async function listenOnLoopback(path: string): Promise<{ listener: Deno.TcpListener; secret: Uint8Array }> {
  const listener = Deno.listen({ transport: "tcp", hostname: "127.0.0.1", port: 0 });
  const secret = crypto.getRandomValues(new Uint8Array(32));
  try {
    await writePrivateFile(path, JSON.stringify({ port: listener.addr.port, secret: secret.toBase64() }) + "\n");
  } catch (thrown) {
    listener.close();
    throw thrown;
  }
  return { listener, secret };
}

/** The door that a file leads to; null when the file is none (a unix socket, say) or is not there. */
export async function readDoor(path: string): Promise<Door | null> {
  let text: string;
  try {
    const info = await Deno.lstat(path);
    if (!info.isFile) return null;
    if (info.size > 1024) throw new QightError("bad_key_file", `${path} does not say where the relay listens`);
    text = await Deno.readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    if (thrown instanceof QightError) throw thrown;
    const denied = thrown instanceof Deno.errors.PermissionDenied;
    throw denied
      ? pathError("not_allowed", "Only the relay's user may use", path, thrown)
      : pathError("io", "Cannot read", path, thrown);
  }
  return parseDoor(text, path);
}

/** Proves to the relay that we know the secret, once it has proven that it does; throws `not_allowed` when it cannot. */
export async function enter(lines: AdminLines, write: Write, secret: Uint8Array): Promise<void> {
  const ours = crypto.getRandomValues(new Uint8Array(NONCE));
  await write({ nonce: ours.toBase64() });
  const { nonce, proof } = fields((await lines.next()).value);
  // Whoever took over the port of a relay that died must not get a proof that the next relay would accept.
  if (!nonce || !proof || !equal(proof, proofOf(secret, "relay", ours, nonce))) {
    throw new QightError("not_allowed", "What listens on the relay's admin port is not the relay");
  }
  await write({ proof: proofOf(secret, "operator", ours, nonce).toBase64() });
}

/** True when the other end has proven that it knows the secret. */
export async function letIn(lines: AdminLines, write: Write, secret: Uint8Array): Promise<boolean> {
  const { nonce: theirs } = fields((await lines.next()).value);
  if (!theirs) return false;
  const ours = crypto.getRandomValues(new Uint8Array(NONCE));
  await write({ nonce: ours.toBase64(), proof: proofOf(secret, "relay", theirs, ours).toBase64() });
  const { proof } = fields((await lines.next()).value);
  return proof !== undefined && equal(proof, proofOf(secret, "operator", theirs, ours));
}

/** The end's name is in it, so that nobody can hand a proof back. */
function proofOf(secret: Uint8Array, end: "relay" | "operator", operators: Uint8Array, relays: Uint8Array): Uint8Array {
  const hmac = createHmac("sha256", secret).update(`qight admin ${end}\0`).update(operators).update(relays);
  return new Uint8Array(hmac.digest());
}

/** Both members that are 32 bytes in base64; others are left out. */
function fields(value: unknown): { nonce?: Uint8Array; proof?: Uint8Array } {
  const { nonce, proof } = (value ?? {}) as Record<string, unknown>;
  return { nonce: bytesOf(nonce), proof: bytesOf(proof) };
}

function bytesOf(text: unknown): Uint8Array | undefined {
  return typeof text === "string" && /^[A-Za-z0-9+/]{43}=$/.test(text) ? Uint8Array.fromBase64(text) : undefined;
}

function parseDoor(text: string, path: string): Door {
  const found = /^\{"port":(\d{1,5}),"secret":"([A-Za-z0-9+/]{43}=)"\}\n$/.exec(text);
  const port = Number(found?.[1]);
  if (!found || port < 1 || port > 65_535) {
    throw new QightError("bad_key_file", `${path} does not say where the relay listens`);
  }
  return { port, secret: Uint8Array.fromBase64(found[2]) };
}
