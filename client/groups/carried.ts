/**
 * Conversations on their way to another machine with their device (`key export --with-device`): KeyPackages and states, so
 * that mail on its way opens there too. There they count as a restored copy and are joined anew before anything is encrypted.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../../proto/errors.ts";
import {
  CarriedConversationsSchema,
  type CarriedGroup,
  CarriedGroupSchema,
  CarriedKeyPackageSchema,
} from "../../proto/gen/qight/v1/conversation_pb.ts";
import type { GroupParts, GroupRow, Tables } from "../storage/store.ts";

/** Most bytes that are taken along: a key file has at most a million characters. */
const MOST_CARRIED_BYTES = 650_000;

/** What is taken along, serialized, and how many conversations do not fit; they are joined anew on the other machine. */
export interface Carried {
  readonly bytes: Uint8Array;
  readonly left: number;
}

/** Packs KeyPackages, and then states, the latest joined first, as far as they fit. */
export function packConversations({ keyPackages, groups }: Pick<Tables, "keyPackages" | "groups">): Carried {
  let room = MOST_CARRIED_BYTES;
  const fits = (bytes: number) => bytes <= room && (room -= bytes) >= 0;
  const packages = keyPackages.all().filter((row) => fits(row.keyPackage.length + row.secret.length + OVERHEAD));
  const living = groups.all().filter(({ status }) => status === "active" || status === "joining" || status === "stuck")
    .sort((a, b) => b.joinedAtMs - a.joinedAtMs)
    .flatMap((row) => {
      const parts = groups.parts(row.relay, row.group);
      return parts ? [{ row, parts }] : [];
    });
  const taken = living.filter(({ parts }) => fits(parts.epochPart.length + parts.messagePart.length + OVERHEAD));
  const carried = create(CarriedConversationsSchema, {
    keyPackages: packages.map(({ createdAtMs, expiresAtMs, ...row }) =>
      create(CarriedKeyPackageSchema, { ...row, createdAtMs: BigInt(createdAtMs), expiresAtMs: BigInt(expiresAtMs) })
    ),
    groups: taken.map(({ row, parts }) => onItsWay(row, parts)),
  });
  return { bytes: toBinary(CarriedConversationsSchema, carried), left: living.length - taken.length };
}

/** Puts what `packConversations` packed into the tables. `bad_key_file` when it is anything else. */
export function unpackConversations(
  { keyPackages, groups }: Pick<Tables, "keyPackages" | "groups">,
  bytes: Uint8Array,
  random: (bytes: number) => Uint8Array,
): void {
  const carried = opened(bytes);
  for (const { createdAtMs, expiresAtMs, ...row } of carried.keyPackages) {
    keyPackages.put({ ...row, createdAtMs: Number(createdAtMs), expiresAtMs: Number(expiresAtMs) });
  }
  for (const { peer, epochPart, messagePart, joining, ...row } of carried.groups) {
    groups.put({
      ...row,
      kind: peer.length > 0 ? "direct" : "group",
      peer: peer.length > 0 ? peer : null,
      epoch: Number(row.epoch),
      status: joining ? "joining" : "active",
      joinedAtMs: Number(row.joinedAtMs),
      stuckAtMs: 0,
      healedAtMs: 0,
      stamp: random(8),
    }, { epochPart, messagePart });
  }
}

// Names, times and tags beside keys and states.
const OVERHEAD = 512;

function onItsWay(row: GroupRow, parts: GroupParts): CarriedGroup {
  const { relay, group, peer, name, creator, suite, epoch, status, joinedAtMs } = row;
  return create(CarriedGroupSchema, {
    ...{ relay, group, name, creator, suite, ...parts },
    peer: peer ?? new Uint8Array(0),
    epoch: BigInt(epoch),
    joining: status === "joining",
    joinedAtMs: BigInt(joinedAtMs),
  });
}

function opened(bytes: Uint8Array) {
  try {
    return fromBinary(CarriedConversationsSchema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new QightError("bad_key_file", "The conversations in this export cannot be read", { cause });
  }
}
