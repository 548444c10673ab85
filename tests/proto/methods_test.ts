/**
 * The table of calls is locked: a number, once given, means the same call for ever.
 * @module
 */
import assert from "node:assert/strict";
import { DeliveryService } from "../../proto/gen/qight/v1/delivery_pb.ts";
import { Caller } from "../../proto/gen/qight/v1/options_pb.ts";
import { SessionService } from "../../proto/gen/qight/v1/session_pb.ts";
import { methodOf, methods, services } from "../../proto/methods.ts";

/** Only ever added to. Columns: number, name, many requests, many replies, who may call. */
const locked: readonly (readonly [number, string, boolean, boolean, Caller])[] = [
  [1, "SessionService.Hello", true, true, Caller.ANYONE],
  [2, "SessionService.Ping", false, false, Caller.ANYONE],
  [3, "SessionService.Capabilities", false, false, Caller.SESSION],
  // Also from who is not admitted yet: with a voucher of a listed device.
  [10, "DirectoryService.PublishBundle", false, false, Caller.PROVEN],
  [11, "DirectoryService.GetBundle", false, false, Caller.SESSION],
  [12, "DirectoryService.PublishSealingKey", false, false, Caller.DEVICE],
  [13, "DirectoryService.GetSealingKeys", false, false, Caller.SESSION],
  [16, "RendezvousService.PutRendezvous", false, false, Caller.ANYONE],
  [17, "RendezvousService.TakeRendezvous", false, false, Caller.ANYONE],
  [20, "DeliveryService.Send", false, false, Caller.DEVICE],
  [21, "DeliveryService.SendMany", true, true, Caller.DEVICE],
  [22, "DeliveryService.SendBatch", false, false, Caller.DEVICE],
  [23, "DeliveryService.Fetch", false, true, Caller.DEVICE],
  [24, "DeliveryService.Ack", false, false, Caller.DEVICE],
  [25, "DeliveryService.Watch", false, true, Caller.DEVICE],
  [26, "DeliveryService.AwaitRoom", false, false, Caller.DEVICE],
  [27, "DeliveryService.SendForReceipt", false, true, Caller.DEVICE],
  [28, "DeliveryService.GetReceipt", false, false, Caller.DEVICE],
  [30, "InviteService.PutInvite", false, false, Caller.DEVICE],
  [31, "InviteService.ClaimInvite", false, false, Caller.DEVICE],
  [32, "InviteService.ConfirmInvite", false, false, Caller.DEVICE],
  [33, "InviteService.RevokeInvite", false, false, Caller.DEVICE],
  [40, "KeyPackageService.PublishKeyPackages", false, false, Caller.DEVICE],
  [41, "KeyPackageService.CountKeyPackages", false, false, Caller.DEVICE],
  [42, "KeyPackageService.ClaimKeyPackages", false, false, Caller.DEVICE],
  [50, "GroupService.CreateGroup", false, false, Caller.DEVICE],
  [51, "GroupService.Commit", false, false, Caller.DEVICE],
  [52, "GroupService.GetCommits", false, true, Caller.DEVICE],
  [53, "GroupService.GetGroup", false, false, Caller.DEVICE],
  [54, "GroupService.GetWelcome", false, false, Caller.DEVICE],
  [55, "GroupService.ListGroups", false, false, Caller.DEVICE],
  [56, "GroupService.LeaveGroup", false, false, Caller.DEVICE],
  [57, "GroupService.ReportCommit", false, false, Caller.DEVICE],
  [58, "GroupService.PutJoinKey", false, false, Caller.DEVICE],
  [59, "GroupService.RevokeJoinKey", false, false, Caller.DEVICE],
  [60, "BlobService.BeginBlob", false, false, Caller.DEVICE],
  [61, "BlobService.PutBlobChunk", false, false, Caller.DEVICE],
  [62, "BlobService.GetBlob", false, true, Caller.DEVICE],
  [63, "BlobService.ForgetBlob", false, false, Caller.DEVICE],
  // By a device that is about to sign in.
  [70, "AccountService.RegisterStart", false, false, Caller.PROVEN],
  [71, "AccountService.RegisterFinish", false, false, Caller.PROVEN],
  [72, "AccountService.LoginStart", false, false, Caller.PROVEN],
  [73, "AccountService.LoginFinish", false, false, Caller.PROVEN],
  [74, "AccountService.Logout", false, false, Caller.DEVICE],
  [75, "AccountService.ChangePassword", false, false, Caller.DEVICE],
  [76, "AccountService.ShowAccount", false, false, Caller.DEVICE],
  [77, "RecoveryService.DeleteAccount", false, false, Caller.DEVICE],
  [78, "RecoveryService.PutRecovery", false, false, Caller.DEVICE],
  // By a device that nobody knows yet.
  [79, "RecoveryService.RecoverStart", false, false, Caller.PROVEN],
  [80, "RecoveryService.RecoverFinish", false, false, Caller.PROVEN],
  [81, "ModerationService.Block", false, false, Caller.DEVICE],
  [82, "ModerationService.Report", false, false, Caller.DEVICE],
  [83, "AccountService.ResolveName", false, false, Caller.SESSION],
  [84, "AccountService.ListDevices", false, false, Caller.DEVICE],
];

Deno.test("numbers, names, shapes and callers are exactly the locked ones", () => {
  const rows = [...methods.values()].sort((a, b) => a.number - b.number).map((row) => [
    row.number,
    `${row.service}.${row.name}`,
    row.streaming.request,
    row.streaming.response,
    row.caller,
  ]);
  assert.deepEqual(rows, locked);
});

Deno.test("no two calls share a number", () => {
  const inServices = services.reduce((sum, service) => sum + service.methods.length, 0);
  assert.equal(methods.size, inServices);
});

Deno.test("every call says who may make it", () => {
  for (const row of methods.values()) assert.notEqual(row.caller, Caller.UNSPECIFIED, row.name);
});

Deno.test("only calls that carry envelopes, pieces of files or MLS objects leave their size to the relay", () => {
  const open = [...methods.values()].filter((row) => row.maxRequest === 0);
  assert.deepEqual(open.filter(({ mls }) => !mls).map((row) => row.name), [
    ...["Send", "SendMany", "SendBatch", "SendForReceipt", "PutBlobChunk"],
  ]);
  assert.deepEqual(open.filter(({ mls }) => mls).map((row) => row.name), ["Commit"]);
});

Deno.test("what a stranger may send before HELLO is small", () => {
  for (const row of methods.values()) {
    if (row.caller === Caller.ANYONE) assert.ok(row.maxRequest > 0 && row.maxRequest <= 65536, row.name);
  }
});

Deno.test("only calls that wait by design are exempt from the deadline", () => {
  const waiting = [...methods.values()].filter((row) => row.waits).map((row) => row.name);
  assert.deepEqual(waiting, ["SendMany", "Fetch", "Watch", "AwaitRoom", "GetBlob", "TakeRendezvous"]);
});

Deno.test("a descriptor finds its row", () => {
  assert.equal(methodOf(DeliveryService.method.send).number, 20);
  assert.equal(methodOf(SessionService.method.hello).streaming.request, true);
});
