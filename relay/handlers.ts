/**
 * Joins the table of methods with the services that serve them.
 * @module
 */
import type { DescMethod } from "@bufbuild/protobuf";
import { BlobService } from "../proto/gen/qight/v1/blob_pb.ts";
import { DeliveryService } from "../proto/gen/qight/v1/delivery_pb.ts";
import { DirectoryService } from "../proto/gen/qight/v1/directory_pb.ts";
import { GroupService } from "../proto/gen/qight/v1/group_pb.ts";
import { AccountService } from "../proto/gen/qight/v1/login_pb.ts";
import { InviteService } from "../proto/gen/qight/v1/invite_pb.ts";
import { KeyPackageService } from "../proto/gen/qight/v1/key_package_pb.ts";
import { ModerationService } from "../proto/gen/qight/v1/moderation_pb.ts";
import { RecoveryService } from "../proto/gen/qight/v1/recovery_pb.ts";
import { RendezvousService } from "../proto/gen/qight/v1/rendezvous_pb.ts";
import { SessionService } from "../proto/gen/qight/v1/session_pb.ts";
import { methodOf, methods } from "../proto/methods.ts";
import type { Handler } from "./dispatch.ts";
import { listDevices, resolveName, showAccount } from "./services/account.ts";
import type { AccountRoom } from "./services/account_room.ts";
import type { AcceptanceRoom } from "./services/acceptance_room.ts";
import { beginBlob, forgetBlob, getBlob, putBlobChunk } from "./services/blobs.ts";
import { commit, getCommits, reportCommit } from "./services/commits.ts";
import { awaitRoom, send, sendBatch, sendForReceipt } from "./services/delivery.ts";
import { sendMany } from "./services/pipeline.ts";
import { deleteAccount } from "./services/deletion.ts";
import { type DirectoryRoom, getBundle, getSealingKeys, publishSealingKey } from "./services/directory.ts";
import type { GroupRoom } from "./services/group_room.ts";
import { createGroup, getGroup, getWelcome, leaveGroup, listGroups } from "./services/groups.ts";
import { claimInvite, confirmInvite, type InviteRoom, putInvite, revokeInvite } from "./services/invites.ts";
import { putJoinKey, revokeJoinKey } from "./services/join_keys.ts";
import { claimKeyPackages, countKeyPackages, publishKeyPackages } from "./services/key_packages.ts";
import { block, type ModerationRoom, report } from "./services/moderation.ts";
import { publishBundle } from "./services/publishing.ts";
import { ack, fetch, type ReadingRoom, watch } from "./services/reading.ts";
import { getReceipt } from "./services/receipts.ts";
import { putRecovery, recoverFinish, recoverStart, type RecoveryRoom } from "./services/recovery.ts";
import { loginFinish, loginStart, logout } from "./services/login.ts";
import { changePassword } from "./services/password.ts";
import { registerFinish, registerStart } from "./services/registration.ts";
import { putRendezvous, type RendezvousRoom, takeRendezvous } from "./services/rendezvous.ts";
import { capabilities, hello, ping, type SessionRoom } from "./services/session.ts";

/** Everything that the services need of the relay. */
export interface Rooms {
  readonly session: Omit<SessionRoom, "methods">;
  readonly directory: DirectoryRoom;
  readonly acceptance: AcceptanceRoom;
  readonly reading: ReadingRoom;
  readonly invites: InviteRoom;
  readonly groups: GroupRoom;
  readonly rendezvous: RendezvousRoom;
  readonly accounts: AccountRoom;
  readonly recovery: RecoveryRoom;
  readonly moderation: ModerationRoom;
}

/** One handler for each method number; throws when a method of the table has none. */
export function createHandlers(rooms: Rooms): ReadonlyMap<number, Handler> {
  const handlers = new Map<number, Handler>();
  const serve = (method: DescMethod, handler: Handler) => handlers.set(methodOf(method).number, handler);
  const session: SessionRoom = { ...rooms.session, methods: [...methods.keys()] };

  serve(SessionService.method.hello, (call) => hello(session, call));
  serve(SessionService.method.ping, (call) => ping(session, call));
  serve(SessionService.method.capabilities, (call) => capabilities(session, call));

  serve(DirectoryService.method.publishBundle, (call) => publishBundle(rooms.recovery, call));
  serve(DirectoryService.method.getBundle, (call) => getBundle(rooms.directory, call));
  serve(DirectoryService.method.publishSealingKey, (call) => publishSealingKey(rooms.directory, call));
  serve(DirectoryService.method.getSealingKeys, (call) => getSealingKeys(rooms.directory, call));

  serve(DeliveryService.method.send, (call) => send(rooms.acceptance, call));
  serve(DeliveryService.method.sendMany, (call) => sendMany(rooms.acceptance, call));
  serve(DeliveryService.method.sendBatch, (call) => sendBatch(rooms.acceptance, call));
  serve(DeliveryService.method.sendForReceipt, (call) => sendForReceipt(rooms.acceptance, call));
  serve(DeliveryService.method.getReceipt, (call) => getReceipt(rooms.acceptance, call));
  serve(DeliveryService.method.awaitRoom, (call) => awaitRoom(rooms.acceptance, call));
  serve(DeliveryService.method.fetch, (call) => fetch(rooms.reading, call));
  serve(DeliveryService.method.watch, (call) => watch(rooms.reading, call));
  serve(DeliveryService.method.ack, (call) => ack(rooms.reading, call));

  serve(InviteService.method.putInvite, (call) => putInvite(rooms.invites, call));
  serve(InviteService.method.claimInvite, (call) => claimInvite(rooms.invites, call));
  serve(InviteService.method.confirmInvite, (call) => confirmInvite(rooms.invites, call));
  serve(InviteService.method.revokeInvite, (call) => revokeInvite(rooms.invites, call));

  serve(KeyPackageService.method.publishKeyPackages, (call) => publishKeyPackages(rooms.groups, call));
  serve(KeyPackageService.method.countKeyPackages, (call) => countKeyPackages(rooms.groups, call));
  serve(KeyPackageService.method.claimKeyPackages, (call) => claimKeyPackages(rooms.groups, call));

  serve(GroupService.method.createGroup, (call) => createGroup(rooms.groups, call));
  serve(GroupService.method.commit, (call) => commit(rooms.groups, call));
  serve(GroupService.method.getCommits, (call) => getCommits(rooms.groups, call));
  serve(GroupService.method.getGroup, (call) => getGroup(rooms.groups, call));
  serve(GroupService.method.getWelcome, (call) => getWelcome(rooms.groups, call));
  serve(GroupService.method.listGroups, (call) => listGroups(rooms.groups, call));
  serve(GroupService.method.leaveGroup, (call) => leaveGroup(rooms.groups, call));
  serve(GroupService.method.reportCommit, (call) => reportCommit(rooms.groups, call));
  serve(GroupService.method.putJoinKey, (call) => putJoinKey(rooms.groups, call));
  serve(GroupService.method.revokeJoinKey, (call) => revokeJoinKey(rooms.groups, call));

  serve(BlobService.method.beginBlob, (call) => beginBlob(rooms.groups, call));
  serve(BlobService.method.putBlobChunk, (call) => putBlobChunk(rooms.groups, call));
  serve(BlobService.method.getBlob, (call) => getBlob(rooms.groups, call));
  serve(BlobService.method.forgetBlob, (call) => forgetBlob(rooms.groups, call));

  serve(RendezvousService.method.putRendezvous, (call) => putRendezvous(rooms.rendezvous, call));
  serve(RendezvousService.method.takeRendezvous, (call) => takeRendezvous(rooms.rendezvous, call));

  serve(RecoveryService.method.deleteAccount, (call) => deleteAccount(rooms.recovery, call));
  serve(RecoveryService.method.putRecovery, (call) => putRecovery(rooms.recovery, call));
  serve(RecoveryService.method.recoverStart, (call) => recoverStart(rooms.recovery, call));
  serve(RecoveryService.method.recoverFinish, (call) => recoverFinish(rooms.recovery, call));

  serve(ModerationService.method.block, (call) => block(rooms.moderation, call));
  serve(ModerationService.method.report, (call) => report(rooms.moderation, call));

  serve(AccountService.method.registerStart, (call) => registerStart(rooms.accounts, call));
  serve(AccountService.method.registerFinish, (call) => registerFinish(rooms.accounts, call));
  serve(AccountService.method.loginStart, (call) => loginStart(rooms.accounts, call));
  serve(AccountService.method.loginFinish, (call) => loginFinish(rooms.accounts, call));
  serve(AccountService.method.logout, (call) => logout(rooms.accounts, call));
  serve(AccountService.method.changePassword, (call) => changePassword(rooms.accounts, call));
  serve(AccountService.method.showAccount, (call) => showAccount(rooms.accounts, call));
  serve(AccountService.method.resolveName, (call) => resolveName(rooms.accounts, call));
  serve(AccountService.method.listDevices, (call) => listDevices(rooms.accounts, call));

  for (const [number, { name }] of methods) {
    if (!handlers.has(number)) throw new TypeError(`${name} has no handler`);
  }
  return handlers;
}
