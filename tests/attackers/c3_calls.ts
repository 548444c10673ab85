/**
 * Every call of the table, as somebody makes it who names what is another person's, and what is nobody's.
 * @module
 */
import { create, type DescMethod, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { encodeCall } from "../../client/call_frames.ts";
import { GroupCalls } from "../../client/group_calls.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { signBundle } from "../../crypto/bundle.ts";
import { directGroupId } from "../../crypto/direct_group.ts";
import { makeSealingKey } from "../../crypto/sealing_key.ts";
import { parseRelayAddress } from "../../net/address.ts";
import type { Connection } from "../../net/connection.ts";
import { dial } from "../../net/race.ts";
import { FrameReader } from "../../proto/frame.ts";
import { BlobService } from "../../proto/gen/qight/v1/blob_pb.ts";
import { DeliveryService } from "../../proto/gen/qight/v1/delivery_pb.ts";
import { DirectoryService } from "../../proto/gen/qight/v1/directory_pb.ts";
import { GroupService } from "../../proto/gen/qight/v1/group_pb.ts";
import { InviteService } from "../../proto/gen/qight/v1/invite_pb.ts";
import { AccountService } from "../../proto/gen/qight/v1/login_pb.ts";
import { methodOf } from "../../proto/methods.ts";
import { groupInfo, privateMessage } from "../helpers/mls_bytes.ts";
import { envelope, type Person, person } from "../helpers/people.ts";

const DAY = 24 * 60 * 60 * 1000;

/** One call with somebody else's id in it, and the same with an id that is nobody's. */
export interface Probe {
  readonly method: DescMethod;
  readonly forbidden: Uint8Array;
  readonly missing: Uint8Array;
}

/** Calls that name nobody's things, or that answer whoever knows a key or a hash of 32 random bytes, and why. */
export const openCalls: Readonly<Record<string, string>> = {
  Hello: "proves the own device",
  Ping: "names nobody",
  Capabilities: "names nobody",
  GetBundle: "the directory answers whoever knows the account's hash or a device key",
  GetSealingKeys: "the directory answers whoever knows the account's hash",
  AwaitRoom: "whoever may send may ask for room",
  PutInvite: "a locator is 32 bytes that only the secret of the invite gives, and a new one is the own one",
  ClaimInvite: "whoever knows the locator may claim, as the first one: that is what an invite is",
  PublishKeyPackages: "the own device's",
  CountKeyPackages: "the own device's",
  ClaimKeyPackages: "the directory answers whoever knows the account's hash",
  ListGroups: "the own device's",
  BeginBlob: "whoever knows the hash of a ciphertext has it, or was sent it; it is claimed for the own account",
  GetBlob: "whoever knows the hash of a ciphertext may have it; the key is in the message",
  PutRendezvous: "a locator is 32 bytes that only the link code gives, and a new one is the own one",
  TakeRendezvous: "whoever knows the locator may read, as the first one: that is what a link code is",
  RegisterStart: "tells that a name is taken, which no protocol can avoid; limited like new accounts",
  RegisterFinish: "the own account's",
  LoginStart: "a name that nobody has is answered like a known one: c8_password_guesser_test.ts",
  LoginFinish: "a login is bound to its connection: c8_password_guesser_test.ts",
  ChangePassword: "the own account's",
  ShowAccount: "the own account's",
  ListDevices: "the own account's",
  ResolveName: "the directory answers whoever knows the name",
  PutRecovery: "the own account's",
  RecoverStart: "whoever has a recovery code may recover: that is what it is",
  RecoverFinish: "whoever has a recovery code may recover: that is what it is",
  DeleteAccount: "signed by both keys of the account that ends",
  Block: "the own account's list; whom it names is told nothing, and answers nothing",
  Report: "of messages that came to the own devices, as they came",
};

/** Everybody in the scene. Alice has written to Bob; Eve has an account of her own; nobody has none. */
export interface Scene {
  readonly alice: Person;
  readonly bob: Person;
  readonly eve: Person;
  readonly probes: readonly Probe[];
}

/** Fills a relay's mailbox and directory and makes the probes. */
export async function c3Scene(address: string, nowMs: number): Promise<Scene> {
  const [alice, bob, eve, nobody] = await Promise.all([1, 2, 3, 4].map((number) => person(number, nowMs)));
  const join = async (who: Person) => {
    const client = await RelayClient.connect(address, { signer: who.device });
    await client.publishBundle(who.bundle.bytes, 0);
    return client;
  };
  await using bobs = await join(bob);
  await using alices = await join(alice);
  await using _eves = await join(eve);
  const id = new Uint8Array(16).fill(7);
  await alices.send(await envelope(alice, bob, nowMs, { id }));
  const sealing = (of: Person) =>
    makeSealingKey(of.device, of.account.hash, new Uint8Array(32).fill(9), {
      createdAtMs: nowMs,
      expiresAtMs: nowMs + 45 * DAY,
    });
  await bobs.publishSealingKey((await sealing(bob)).bytes);

  // Captured somewhere, sent by Eve.
  const inTheNameOf = (who: Person) => envelope(who, bob, nowMs, { id: new Uint8Array(16).fill(8) });
  const [asAlice, asNobody] = await Promise.all([inTheNameOf(alice), inTheNameOf(nobody)]);
  const nobodysBundle = await signBundle(nobody.account, nobody.bundle);
  const bobsKey = bob.device.publicKey, nobodysKey = nobody.device.publicKey;
  // Field 15 of a message that has none: whoever looks at it would find a mailbox.
  const smuggled = (method: typeof DeliveryService.method.fetch | typeof DeliveryService.method.watch): Probe => {
    const withKey = (key: Uint8Array) => Uint8Array.of(...bytesOf(method, { peek: true }), 0x7a, 32, ...key);
    return { method, forbidden: withKey(bobsKey), missing: withKey(nobodysKey) };
  };
  const both = <M extends DescMethod>(
    method: M,
    forbidden: MessageInitShape<M["input"]>,
    missing: MessageInitShape<M["input"]>,
  ): Probe => ({ method, forbidden: bytesOf(method, forbidden), missing: bytesOf(method, missing) });
  const { send, sendMany, sendBatch, sendForReceipt, fetch, watch, ack, getReceipt } = DeliveryService.method;
  const { publishBundle, publishSealingKey } = DirectoryService.method;
  const { putInvite, confirmInvite, revokeInvite } = InviteService.method;
  const groups = GroupService.method;
  const bobsInvite = { locator: new Uint8Array(32).fill(5) }, nobodysInvite = { locator: new Uint8Array(32).fill(6) };
  const group = new Uint8Array(32).fill(11), noGroup = new Uint8Array(32).fill(12);
  const direct = directGroupId(alice.account.hash, bob.account.hash);
  const groupsOfAlice = new GroupCalls(alices.rpc);
  const begun = { suite: 83, directWith: null };
  await groupsOfAlice.createGroup({ ...begun, group, groupInfo: groupInfo(group, 0) });
  const ofBob = { ...begun, directWith: bob.account.hash };
  await groupsOfAlice.createGroup({ ...ofBob, group: direct, groupInfo: groupInfo(direct, 0) });
  const inGroup = <M extends DescMethod>(method: M, request: (group: Uint8Array) => MessageInitShape<M["input"]>) =>
    both(method, request(group), request(noGroup));
  const hash = new Uint8Array(32).fill(13);
  const { beginBlob, putBlobChunk, forgetBlob } = BlobService.method;
  const chunk = { offset: 0n, data: new Uint8Array(16 * 1024).fill(14) };
  await alices.rpc.unary(beginBlob, { sha256: hash, size: 100_000n, ttlS: 600 });
  await bobs.rpc.unary(putInvite, { ...bobsInvite, record: new Uint8Array(100).fill(1), ttlS: 600 });
  let lease = new Uint8Array(16);
  for await (const event of bobs.fetch()) if (event.type === "lease") lease = event.lease.slice();
  const probes = [
    both(send, { envelope: asAlice }, { envelope: asNobody }),
    both(sendMany, { envelope: asAlice }, { envelope: asNobody }),
    both(sendBatch, { envelopes: [asAlice] }, { envelopes: [asNobody] }),
    both(sendForReceipt, { envelope: asAlice }, { envelope: asNobody }),
    smuggled(fetch),
    smuggled(watch),
    both(ack, { lease, ranges: [{ first: 1n, last: 1n }] }, {
      lease: new Uint8Array(16).fill(1),
      ranges: [{ first: 1n, last: 1n }],
    }),
    both(getReceipt, { mailbox: bobsKey, id }, { mailbox: nobodysKey, id }),
    both(publishBundle, { bundle: alice.bundle.bytes, expectedVersion: BigInt(alice.bundle.version) }, {
      bundle: nobodysBundle.bytes,
      expectedVersion: 0n,
    }),
    both(AccountService.method.logout, { device: bobsKey }, { device: nobodysKey }),
    both(confirmInvite, bobsInvite, nobodysInvite),
    both(revokeInvite, bobsInvite, nobodysInvite),
    // Eve begins a group under the id of Alice's and Bob's conversation, which she can compute.
    both(groups.createGroup, { group: direct, suite: 83, groupInfo: groupInfo(direct, 0) }, {
      group: hash,
      suite: 83,
      groupInfo: groupInfo(hash, 0),
    }),
    inGroup(groups.commit, (group) => ({
      group,
      epoch: 0n,
      commit: privateMessage(group, 0, { contentType: 3 }),
      groupInfo: groupInfo(group, 1),
      roster: [alice.device.publicKey, eve.device.publicKey],
    })),
    inGroup(groups.getCommits, (group) => ({ group })),
    inGroup(groups.getGroup, (group) => ({ group, joinKey: hash })),
    inGroup(groups.getWelcome, (group) => ({ group })),
    inGroup(groups.leaveGroup, (group) => ({ group })),
    inGroup(groups.reportCommit, (group) => ({ group, epoch: 0n, commitHash: hash })),
    inGroup(groups.putJoinKey, (group) => ({ group, keyHash: hash, ttlS: 600 })),
    inGroup(groups.revokeJoinKey, (group) => ({ group, keyHash: hash })),
    both(putBlobChunk, { sha256: hash, ...chunk }, { sha256: noGroup, ...chunk }),
    both(forgetBlob, { sha256: hash }, { sha256: noGroup }),
    both(publishSealingKey, { sealingKey: (await sealing(bob)).bytes }, { sealingKey: (await sealing(nobody)).bytes }),
  ];
  return { alice, bob, eve, probes };
}

/** A connection on which this person has said hello, for calls that no client would make. */
export async function provenConnection(address: string, who: Person): Promise<Connection> {
  const parsed = parseRelayAddress(address);
  const connection = await dial({ address: parsed, timeoutMs: 10_000, transports: ["quic"] });
  await RelayClient.over(connection, parsed, { signer: who.device });
  return connection;
}

/** Makes one call with a request id that is always the same, and answers the first reply frame. */
export async function rawCall(connection: Connection, method: DescMethod, message: Uint8Array): Promise<Uint8Array> {
  const stream = await connection.openStream();
  try {
    await stream.write(encodeCall(methodOf(method).number, new Uint8Array(16).fill(0xee), 10_000, message));
    const reply = await new FrameReader(() => stream.read()).next(1 << 20);
    return reply?.slice() ?? new Uint8Array(0);
  } finally {
    stream.reset();
  }
}

function bytesOf<M extends DescMethod>(method: M, request: MessageInitShape<M["input"]>): Uint8Array {
  return toBinary(method.input, create(method.input, request));
}
