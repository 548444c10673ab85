/**
 * Alice, Bob and Carol in a group at a real relay, Eve outside of it, and what they do by the calls of clients.
 * @module
 */
import assert from "node:assert/strict";
import { GroupCalls, type NewCommit } from "../../client/group_calls.ts";
import type { RelayClient } from "../../client/relay_client.ts";
import { CONTENT_GROUP, signEnvelope } from "../../crypto/envelope.ts";
import { QightError } from "../../proto/errors.ts";
import { groupInfo, privateMessage, welcome } from "../helpers/mls_bytes.ts";
import { type Person, person } from "../helpers/people.ts";
import { testRelay, type TestRelayOptions } from "../helpers/test_relay.ts";

export const NOW = 1_800_000_000_000;
export const DAY = 24 * 3600_000;
const people = await Promise.all([1, 2, 3, 4].map((number) => person(number, NOW)));
export const [alice, bob, carol, eve] = people;
export const GROUP = new Uint8Array(32).fill(0x77);
export const key = (who: Person) => who.device.publicKey;

export async function refused(call: Promise<unknown>, code: string): Promise<QightError> {
  const error = await call.then(() => null, (thrown) => thrown);
  assert.ok(error instanceof QightError, `was not refused with ${code}`);
  assert.equal(error.code, code, error.message);
  return error;
}

export function commitOf(epoch: number, roster: readonly Person[], change: Partial<NewCommit> = {}): NewCommit {
  const group = change.group ?? GROUP;
  return {
    group,
    epoch,
    commit: privateMessage(group, epoch, { contentType: 3 }),
    welcome: null,
    welcomed: [],
    groupInfo: groupInfo(group, epoch + 1),
    roster: roster.map(key),
    ...change,
  };
}

export const adding = (who: readonly Person[]) => ({ welcome: welcome(), welcomed: who.map(key) });

export function saying(
  from: Person,
  epoch: number,
  change: { group?: Uint8Array; id?: number; payload?: Uint8Array } = {},
) {
  const { group = GROUP, id = 1, payload = privateMessage(group, epoch) } = change;
  return signEnvelope(from.device, {
    id: new Uint8Array(16).fill(id),
    sender: key(from),
    recipient: group,
    createdAtMs: NOW,
    ttlS: 0,
    contentType: CONTENT_GROUP,
    payload,
  });
}

/** A relay with Alice, Bob and Carol in one group at epoch 1; Eve has an account and is in none. */
export async function scene(options: TestRelayOptions = {}) {
  const relay = await testRelay({ now: () => NOW, ...options });
  const [a, b, c, e] = await Promise.all(people.map((who) => relay.join(who)));
  const [ga, gb, gc, ge] = [a, b, c, e].map(({ rpc }) => new GroupCalls(rpc));
  await ga.createGroup({ group: GROUP, suite: 83, directWith: null, groupInfo: groupInfo(GROUP, 0) });
  assert.equal(await ga.commit(commitOf(0, [alice, bob, carol], adding([bob, carol]))), 1);
  return {
    ...{ relay, a, b, c, e, ga, gb, gc, ge },
    async [Symbol.asyncDispose]() {
      await Promise.all([a, b, c, e].map((client) => client[Symbol.asyncDispose]()));
      await relay[Symbol.asyncDispose]();
    },
  };
}

export async function mail(client: RelayClient): Promise<string[]> {
  const found: string[] = [];
  for await (const event of client.fetch({ peek: true })) {
    if (event.type === "delivered") found.push(`${event.seq} message`);
    if (event.type === "notice") found.push(`${event.seq} ${event.notice?.kind} ${event.notice?.epoch}`);
  }
  return found;
}

export async function log(calls: GroupCalls, from: number, max = 0): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const one of calls.commits(GROUP, from, max)) {
    found.push(one.kind === "end" ? { epoch: one.epoch, oldest: one.oldest } : one.epoch);
  }
  return found;
}
