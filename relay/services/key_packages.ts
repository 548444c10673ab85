/**
 * KeyPackages: what a device leaves at the relay so that others can add it to a group while it is away. The relay hands
 * each out once; what is in one only its owner and who was given it can use.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { equal } from "../../crypto/equal.ts";
import { keyPackageSuite } from "../../crypto/mls/header.ts";
import { QightError } from "../../proto/errors.ts";
import {
  ClaimKeyPackagesRequestSchema,
  ClaimKeyPackagesResponseSchema,
  CountKeyPackagesRequestSchema,
  CountKeyPackagesResponseSchema,
  type PublishedKeyPackage,
  PublishKeyPackagesRequestSchema,
  PublishKeyPackagesResponseSchema,
} from "../../proto/gen/qight/v1/key_package_pb.ts";
import type { CallContext } from "../dispatch.ts";
import type { NewKeyPackage } from "../storage/store.ts";
import { FUTURE_TOLERANCE_MS } from "./acceptance.ts";
import { accountOfCaller, type GroupRoom, ID_BYTES, limited, wake } from "./group_room.ts";

/** Packages in one call. */
const MAX_PACKAGES = 64;
/** Single-use packages of one device: twice what a client keeps there. */
const MAX_SINGLE_USE = 200;
/** Below so many single-use ones a device is told: half of what a client keeps there. */
const LOW_STOCK = 50;
/** Suites that one device may have a last resort for. */
const MAX_LAST_RESORT = 8;
/** One package; with X-Wing it has about 3 KiB. */
const MAX_PACKAGE_BYTES = 16 * 1024;
/** Longest life of a package (docs/decisions/0007-conversations.md), and what clocks may differ. */
const MAX_LIFE_MS = 90 * 24 * 3600_000 + FUTURE_TOLERANCE_MS;

/** PublishKeyPackages: all of them, or none. */
export async function publishKeyPackages(room: GroupRoom, call: CallContext): Promise<void> {
  const { suite, packages } = await call.requests.only(PublishKeyPackagesRequestSchema);
  if (room.draining()) throw new QightError("draining", undefined, { retryAfterMs: 1000 });
  if (packages.length > MAX_PACKAGES) {
    throw new QightError("message_too_large", `A call publishes at most ${MAX_PACKAGES} KeyPackages`);
  }
  const nowMs = room.now();
  const checked = packages.map((one) => checkPackage(one, suite, nowMs));
  if (checked.filter(({ lastResort }) => lastResort).length > 1) {
    throw new QightError("bad_group_message", "A device has one KeyPackage of last resort");
  }
  await accountOfCaller(room, call);
  const bounds = { nowMs, maxSingleUse: MAX_SINGLE_USE, maxLastResort: MAX_LAST_RESORT };
  const { kind, count } = await room.store.keyPackages.publish(call.peer.device, suite, checked, bounds);
  if (kind === "too_many") {
    throw new QightError("busy", `This device has ${count.singleUse} KeyPackages here; ${MAX_SINGLE_USE} fit`, {
      retryAfterMs: 60_000,
    });
  }
  room.metrics.keyPackages("published", packages.length);
  const answer = create(PublishKeyPackagesResponseSchema, { count });
  await call.reply.send(toBinary(PublishKeyPackagesResponseSchema, answer));
}

/** CountKeyPackages: what is left of the own device's. */
export async function countKeyPackages(room: GroupRoom, call: CallContext): Promise<void> {
  const { suite } = await call.requests.only(CountKeyPackagesRequestSchema);
  const count = await room.store.keyPackages.count(call.peer.device, suite, room.now());
  const answer = create(CountKeyPackagesResponseSchema, { count });
  await call.reply.send(toBinary(CountKeyPackagesResponseSchema, answer));
}

/** ClaimKeyPackages: one of each other device of an account, in one step with its bundle. */
export async function claimKeyPackages(room: GroupRoom, call: CallContext): Promise<void> {
  const { account, suite, devices } = await call.requests.only(ClaimKeyPackagesRequestSchema);
  if (room.draining()) throw new QightError("draining", undefined, { retryAfterMs: 1000 });
  if (account.length !== ID_BYTES) throw new QightError("bad_frame", "An account hash has 32 bytes");
  const { device } = call.peer;
  // One's own devices come into all conversations one after the other, each with a KeyPackage of its own.
  const own = equal(await accountOfCaller(room, call), account);
  const { waitMs, singleUse } = own ? { waitMs: 0, singleUse: true } : room.limits.takeClaim(device, account);
  limited(room, "key_packages", waitMs, "Too many KeyPackages were asked for by this device");
  // The one who adds and the one who is added need time, by clocks that may differ.
  const nowMs = room.now();
  const validUntilMs = nowMs + FUTURE_TOLERANCE_MS;
  const low = { below: LOW_STOCK, nowMs, noticeUntilMs: nowMs + room.retention().maxTtlMs };
  const whose = { account, except: device, ...(devices.length > 0 ? { only: devices } : {}) };
  const found = await room.store.keyPackages.claim({ ...whose, suite, validUntilMs, singleUse, low });
  wake(room, found.notices);
  const lastResorts = found.packages.filter(({ lastResort }) => lastResort).length;
  room.metrics.keyPackages("claimed", found.packages.length - lastResorts);
  room.metrics.keyPackages("last_resort", lastResorts);
  const answer = create(ClaimKeyPackagesResponseSchema, {
    ...(found.bundle ? { bundle: found.bundle } : {}),
    packages: [...found.packages],
  });
  await call.reply.send(toBinary(ClaimKeyPackagesResponseSchema, answer));
}

function checkPackage(
  { ref, keyPackage, expiresAtMs, lastResort }: PublishedKeyPackage,
  suite: number,
  nowMs: number,
): NewKeyPackage {
  if (ref.length !== ID_BYTES) throw new QightError("bad_frame", "The reference of a KeyPackage has 32 bytes");
  if (keyPackage.length > MAX_PACKAGE_BYTES) {
    throw new QightError("message_too_large", `A KeyPackage has at most ${MAX_PACKAGE_BYTES} bytes`);
  }
  if (keyPackageSuite(keyPackage) !== suite) {
    throw new QightError("bad_group_message", "The KeyPackage is of another cipher suite than the call says");
  }
  const until = Number(expiresAtMs);
  if (until <= nowMs) {
    throw new QightError("expired", "The KeyPackage has expired by the relay's clock, or its maker's clock is behind");
  }
  if (until > nowMs + MAX_LIFE_MS) {
    throw new QightError("bad_group_message", "A KeyPackage is good for at most 90 days");
  }
  return { ref, keyPackage, expiresAtMs: until, lastResort };
}
