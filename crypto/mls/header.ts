/**
 * What stands in clear at the front of an MLS message: which group, which epoch, what kind. The relay reads no more than
 * this; without ts-mls, so that it need not be loaded there.
 *
 * Layouts: RFC 9420 sections 6 (MLSMessage, FramedContent, Sender), 6.3 (PrivateMessage), 8.1 (GroupContext), 10
 * (KeyPackage), 12.4.3 (GroupInfo, Welcome). Numbers are big-endian; `<V>` is a length in RFC 9000's varint form, at most
 * 30 bits and never longer than needed (RFC 9420 section 2.1.2).
 * @module
 */
import { QightError } from "../../proto/errors.ts";

/** Content type of a PrivateMessage: what a member says. */
export const CONTENT_APPLICATION = 1;
/** Content type of a PrivateMessage: a commit. */
const CONTENT_COMMIT = 3;

/** What a PrivateMessage says in clear. */
export interface MessageHeader {
  /** Group id, a view of the message. */
  readonly group: Uint8Array;
  readonly epoch: number;
  /** 1 application, 2 proposal, 3 commit. */
  readonly contentType: number;
}

/** What a commit says in clear. */
export interface CommitHeader {
  /** Group id, a view of the message. */
  readonly group: Uint8Array;
  /** The epoch that it ends. */
  readonly epoch: number;
  /** True for a PublicMessage of somebody who joins by it. */
  readonly external: boolean;
}

/** What a GroupInfo says in clear. */
export interface GroupInfoHeader {
  /** Group id, a view of the message. */
  readonly group: Uint8Array;
  readonly epoch: number;
  readonly suite: number;
}

/** Wire formats of RFC 9420 section 17.2. */
const PUBLIC_MESSAGE = 1, PRIVATE_MESSAGE = 2, WELCOME = 3, GROUP_INFO = 4, KEY_PACKAGE = 5;
const NEW_MEMBER_COMMIT = 4;
const MLS10 = 1;

/** Reads an MLSMessage with a PrivateMessage, whole: `bad_group_message` for anything else, also with bytes behind it. */
export function readHeader(message: Uint8Array): MessageHeader {
  return read(message, "PrivateMessage", (reader) => {
    reader.expect(MLS10, 2);
    reader.expect(PRIVATE_MESSAGE, 2);
    return restOfPrivate(reader);
  });
}

/**
 * Reads an MLSMessage with a commit: a PrivateMessage, or a PublicMessage of a new member. `bad_group_message` for
 * anything else. What follows the content type of a PublicMessage is not looked at.
 */
export function commitHeader(message: Uint8Array): CommitHeader {
  return read(message, "commit", (reader) => {
    reader.expect(MLS10, 2);
    const external = reader.number(2) === PUBLIC_MESSAGE;
    if (!external) {
      reader.back(2);
      reader.expect(PRIVATE_MESSAGE, 2);
      const { group, epoch, contentType } = restOfPrivate(reader);
      if (contentType !== CONTENT_COMMIT) throw new Malformed();
      return { group, epoch, external };
    }
    const group = reader.opaque();
    const epoch = reader.number(8);
    reader.expect(NEW_MEMBER_COMMIT, 1);
    reader.opaque(); // authenticated data
    reader.expect(CONTENT_COMMIT, 1);
    reader.skipRest();
    return { group, epoch, external };
  });
}

/** Reads an MLSMessage with a GroupInfo, whole: `bad_group_message` for anything else. */
export function groupInfoHeader(message: Uint8Array): GroupInfoHeader {
  return read(message, "GroupInfo", (reader) => {
    reader.expect(MLS10, 2);
    reader.expect(GROUP_INFO, 2);
    reader.expect(MLS10, 2);
    const suite = reader.number(2);
    const group = reader.opaque();
    const epoch = reader.number(8);
    // tree hash, confirmed transcript hash, extensions of the context; extensions, confirmation tag
    for (let i = 0; i < 5; i++) reader.opaque();
    reader.number(4); // signer
    reader.opaque(); // signature
    return { group, epoch, suite };
  });
}

/** The cipher suite of an MLSMessage with a Welcome, read whole; `bad_group_message` for anything else. */
export function welcomeSuite(message: Uint8Array): number {
  return read(message, "Welcome", (reader) => {
    reader.expect(MLS10, 2);
    reader.expect(WELCOME, 2);
    const suite = reader.number(2);
    reader.opaque(); // secrets
    reader.opaque(); // encrypted GroupInfo
    return suite;
  });
}

/** The cipher suite of an MLSMessage with a KeyPackage; `bad_group_message` for anything else. */
export function keyPackageSuite(message: Uint8Array): number {
  return read(message, "KeyPackage", (reader) => {
    reader.expect(MLS10, 2);
    reader.expect(KEY_PACKAGE, 2);
    reader.expect(MLS10, 2);
    const suite = reader.number(2);
    reader.opaque(); // init key
    reader.opaque(); // encryption key of the leaf
    reader.skipRest();
    return suite;
  });
}

function restOfPrivate(reader: Reader): MessageHeader {
  const group = reader.opaque();
  const epoch = reader.number(8);
  const contentType = reader.number(1);
  if (contentType < 1 || contentType > 3) throw new Malformed();
  reader.opaque(); // authenticated data
  reader.opaque(); // encrypted sender data
  reader.opaque(); // ciphertext
  return { group, epoch, contentType };
}

/** Thrown inside a reading only. */
class Malformed extends Error {}

function read<T>(bytes: Uint8Array, what: string, run: (reader: Reader) => T): T {
  try {
    const reader = new Reader(bytes);
    const found = run(reader);
    reader.end();
    return found;
  } catch (thrown) {
    if (!(thrown instanceof Malformed)) throw thrown;
    throw new QightError("bad_group_message", `The bytes are no MLS ${what}`);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** A number of `size` bytes; one that a double cannot hold exactly counts as malformed. */
  number(size: number): number {
    const end = this.#at + size;
    if (end > this.#bytes.length) throw new Malformed();
    let value = 0;
    while (this.#at < end) value = value * 256 + this.#bytes[this.#at++];
    if (!Number.isSafeInteger(value)) throw new Malformed();
    return value;
  }

  expect(value: number, size: number): void {
    if (this.number(size) !== value) throw new Malformed();
  }

  back(size: number): void {
    this.#at -= size;
  }

  /** `opaque x<V>`, as a view. */
  opaque(): Uint8Array {
    const first = this.number(1);
    const more = [0, 1, 3, -1][first >> 6];
    if (more < 0) throw new Malformed();
    const length = (first & 0x3f) * 256 ** more + this.number(more);
    if (more > 0 && length < (more === 1 ? 64 : 16384)) throw new Malformed();
    const start = this.#at;
    if (start + length > this.#bytes.length) throw new Malformed();
    return this.#bytes.subarray(start, this.#at = start + length);
  }

  skipRest(): void {
    this.#at = this.#bytes.length;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new Malformed();
  }
}
