/**
 * What a device may ask about its own account, and which account is behind a name. Answers everywhere; empty where there
 * are no names.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { readName } from "../../crypto/account_name.ts";
import { QightError } from "../../proto/errors.ts";
import {
  ListDevicesRequestSchema,
  ListDevicesResponseSchema,
  ResolveNameRequestSchema,
  ResolveNameResponseSchema,
  ShowAccountRequestSchema,
  ShowAccountResponseSchema,
} from "../../proto/gen/qight/v1/login_pb.ts";
import type { CallContext } from "../dispatch.ts";
import type { AccountRoom } from "./account_room.ts";

/** ShowAccount: name, sessions and recovery codes of the own account; empty before it is published. */
export async function showAccount(room: AccountRoom, call: CallContext): Promise<void> {
  await call.requests.only(ShowAccountRequestSchema);
  const account = (await room.store.bundleOfDevice(call.peer.device))?.account;
  const answer = create(ShowAccountResponseSchema, account ? await facts(room, account) : {});
  await call.reply.send(toBinary(ShowAccountResponseSchema, answer));
}

/** ResolveName: the account behind a name, or nothing; also for what cannot be a name. */
export async function resolveName(room: AccountRoom, call: CallContext): Promise<void> {
  const { name } = await call.requests.only(ResolveNameRequestSchema);
  let account: Uint8Array | undefined;
  if (room.enabled()) {
    const waitMs = room.limits.takeName(call.peer.device);
    if (waitMs > 0) {
      room.metrics.rateLimited("names");
      throw new QightError("rate_limited", "Too many names were asked for", { retryAfterMs: waitMs });
    }
    const folded = nameIfAny(name);
    account = folded === null ? undefined : (await room.store.accounts.named(folded))?.account;
  }
  await call.reply.send(toBinary(ResolveNameResponseSchema, create(ResolveNameResponseSchema, { account })));
}

/** ListDevices: when the devices of the own account were last here. */
export async function listDevices(room: AccountRoom, call: CallContext): Promise<void> {
  await call.requests.only(ListDevicesRequestSchema);
  const devices = (await room.store.bundleOfDevice(call.peer.device))?.devices ?? [];
  const seen = await room.store.accounts.lastSeen(devices);
  const answer = create(ListDevicesResponseSchema, {
    devices: devices.map((device, at) => ({ device, lastSeenMs: BigInt(seen[at]) })),
  });
  await call.reply.send(toBinary(ListDevicesResponseSchema, answer));
}

async function facts(room: AccountRoom, account: Uint8Array) {
  const { accounts } = room.store;
  const [named, sessions, recovery] = await Promise.all([
    room.enabled() ? accounts.nameOf(account) : null,
    room.enabled() ? accounts.sessionsOf(account, room.now()) : [],
    accounts.recoveryOf(account),
  ]);
  return {
    account,
    name: named?.name ?? "",
    registeredAtMs: BigInt(named?.registeredAtMs ?? 0),
    sessions: sessions.length,
    recoveryCodes: recovery?.codes ?? 0,
    recoveryMadeAtMs: BigInt(recovery?.madeAtMs ?? 0),
  };
}

function nameIfAny(written: string): string | null {
  try {
    return readName(written);
  } catch (thrown) {
    if (thrown instanceof QightError && thrown.code === "bad_name") return null;
    throw thrown;
  }
}
