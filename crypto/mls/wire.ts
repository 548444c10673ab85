/**
 * Reads MLSMessages from others: at most so many bytes, all of them used, and only in the one form that encoding them
 * again gives. ts-mls takes bytes behind a message and lengths longer than needed, so the same would have many forms.
 * @module
 */
import type { GroupInfo, KeyPackage, MLSMessage, PrivateMessage, PublicMessage, Welcome } from "ts-mls";
import { readHeader } from "./header.ts";
import { library, loadedLibrary } from "./library.ts";
import { guarded, refused } from "./refuse.ts";

/** A commit as it came: of a member, or of somebody who joins by it. */
export type CommitMessage =
  | { readonly wireformat: "mls_private_message"; readonly privateMessage: PrivateMessage }
  | { readonly wireformat: "mls_public_message"; readonly publicMessage: PublicMessage };

/** Reads a KeyPackage. */
export async function readKeyPackage(bytes: Uint8Array, maxBytes: number): Promise<KeyPackage> {
  const message = await readMessage(bytes, maxBytes);
  if (message.wireformat !== "mls_key_package") throw refused("it is no KeyPackage");
  return message.keyPackage;
}

/** Reads a Welcome. */
export async function readWelcome(bytes: Uint8Array, maxBytes: number): Promise<Welcome> {
  const message = await readMessage(bytes, maxBytes);
  if (message.wireformat !== "mls_welcome") throw refused("it is no Welcome");
  return message.welcome;
}

/** Reads a GroupInfo. */
export async function readGroupInfo(bytes: Uint8Array, maxBytes: number): Promise<GroupInfo> {
  const message = await readMessage(bytes, maxBytes);
  if (message.wireformat !== "mls_group_info") throw refused("it is no GroupInfo");
  return message.groupInfo;
}

/** Reads a commit. */
export async function readCommit(bytes: Uint8Array, maxBytes: number): Promise<CommitMessage> {
  const message = await readMessage(bytes, maxBytes);
  if (message.wireformat === "mls_private_message" && message.privateMessage.contentType === "commit") return message;
  if (message.wireformat === "mls_public_message" && message.publicMessage.content.contentType === "commit") {
    return message;
  }
  throw refused("it is no commit");
}

/** Reads a PrivateMessage with content. */
export async function readPrivateMessage(bytes: Uint8Array, maxBytes: number): Promise<PrivateMessage> {
  limit(bytes, maxBytes);
  readHeader(bytes); // this layout is checked without encoding it again, since messages are many
  const { decodeMlsMessage } = await library();
  return await guarded("it is not well-formed", () => {
    const [message] = decodeMlsMessage(bytes, 0) ?? [];
    if (message?.wireformat !== "mls_private_message" || message.privateMessage.contentType !== "application") {
      throw refused("it holds no content");
    }
    return message.privateMessage;
  });
}

/** The bytes of a message that was made here. */
export function writeMessage(message: MLSMessage): Uint8Array {
  return loadedLibrary().encodeMlsMessage(message);
}

async function readMessage(bytes: Uint8Array, maxBytes: number): Promise<MLSMessage> {
  limit(bytes, maxBytes);
  const { decodeMlsMessage, encodeMlsMessage } = await library();
  return await guarded("it is not well-formed", () => {
    const [message, consumed] = decodeMlsMessage(bytes, 0) ?? [];
    if (message === undefined || consumed !== bytes.length) throw refused("it is cut off, or something is behind it");
    if (!same(encodeMlsMessage(message), bytes)) throw refused("its encoding is not canonical");
    return message;
  });
}

function limit(bytes: Uint8Array, maxBytes: number): void {
  if (bytes.length > maxBytes) throw refused(`it has ${bytes.length} bytes, at most ${maxBytes} are allowed`);
}

/** Public bytes: an early return is fine. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
