/**
 * What all members of a group agree on beside its keys: name, owner, admins, timer. It travels as an extension of the
 * GroupContext, so a commit changes it and every member holds the same.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../../proto/errors.ts";
import { type GroupData, GroupDataSchema } from "../../proto/gen/qight/v1/conversation_pb.ts";
import { ACCOUNT_HASH_BYTES } from "../account.ts";
import { decodeCanonical } from "../canonical.ts";

/** Number of the extension, of RFC 9420's private-use range (section 17.3). */
export const GROUP_DATA_EXTENSION = 0xf071;
/** Longest serialized group data, in bytes: a name and 1,000 admins. */
const MAX_GROUP_DATA_BYTES = 65_536;
/** Longest name, in bytes of UTF-8. */
const MAX_GROUP_NAME_BYTES = 256;

/** What all members agree on. Who may change it is for the caller's `check` to say. */
export interface GroupDataFields {
  /** Empty for a direct conversation; at most 256 bytes of UTF-8. */
  readonly name: string;
  /** Account hash of the owner, 32 bytes. */
  readonly creator: Uint8Array;
  /** Account hashes, 32 bytes each. */
  readonly admins: readonly Uint8Array[];
  /** Both accounts of a direct conversation in byte order; null for a group. */
  readonly direct: readonly [Uint8Array, Uint8Array] | null;
  /** Lines go so long after they were read, in seconds; 0 = they stay. */
  readonly disappearAfterS: number;
}

/** The serialized form; throws `bad_group_message` for fields that no member would accept. */
export function encodeGroupData(data: GroupDataFields): Uint8Array {
  const bytes = toBinary(
    GroupDataSchema,
    create(GroupDataSchema, {
      version: 1,
      name: data.name,
      creator: data.creator,
      admins: [...data.admins],
      directA: data.direct?.[0],
      directB: data.direct?.[1],
      disappearAfterS: data.disappearAfterS,
    }),
  );
  openGroupData(bytes);
  return bytes;
}

/** Reads the serialized form; throws `bad_group_message`. */
export function openGroupData(bytes: Uint8Array): GroupDataFields {
  const data = decodeCanonical(GroupDataSchema, bytes, MAX_GROUP_DATA_BYTES, "bad_group_message");
  if (data.version !== 1) throw bad(`its version is ${data.version}`);
  if (new TextEncoder().encode(data.name).length > MAX_GROUP_NAME_BYTES) throw bad("its name is too long");
  for (const account of [data.creator, ...data.admins]) {
    if (account.length !== ACCOUNT_HASH_BYTES) throw bad("an account in it is not 32 bytes");
  }
  return {
    name: data.name,
    creator: data.creator,
    admins: data.admins,
    direct: directOf(data),
    disappearAfterS: data.disappearAfterS,
  };
}

function directOf({ directA, directB }: GroupData): [Uint8Array, Uint8Array] | null {
  if (directA.length === 0 && directB.length === 0) return null;
  if (directA.length !== ACCOUNT_HASH_BYTES || directB.length !== ACCOUNT_HASH_BYTES) {
    throw bad("a side of the direct conversation is not 32 bytes");
  }
  if (!inOrder(directA, directB)) throw bad("the sides of the direct conversation are not in order");
  return [directA, directB];
}

// A conversation with oneself has the same account on both sides.
function inOrder(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] < b[i];
  return true;
}

function bad(why: string): QightError {
  return new QightError("bad_group_message", `Cannot use the group's data: ${why}`);
}
