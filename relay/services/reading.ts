/**
 * Mail out: fetch, long poll, watch, and the reader's acknowledgement.
 * @module
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../../proto/errors.ts";
import {
  AckRequestSchema,
  AckResponseSchema,
  FetchRequestSchema,
  FetchResponseSchema,
  GroupNotice_Kind,
  type GroupNoticeSchema,
  WatchRequestSchema,
} from "../../proto/gen/qight/v1/delivery_pb.ts";
import type { CallContext } from "../dispatch.ts";
import type { Mailboxes } from "../mailboxes.ts";
import type { Metrics } from "../metrics.ts";
import type { GroupNotice, Store, StoredMessage } from "../storage/store.ts";

/** One page of a mailbox: enough to keep a stream busy, little enough to hold for every reader. */
const PAGE_MESSAGES = 256;
const PAGE_BYTES = 1024 * 1024;
/** New messages a watcher may have waiting before it reads from the store instead. */
const WATCH_BUFFER = 256;
/** Longest long poll. */
const MAX_WAIT_MS = 60 * 60 * 1000;
/** Ranges in one acknowledgement. */
const MAX_RANGES = 4096;

/** What reading needs of the relay. */
export interface ReadingRoom {
  readonly store: Store;
  readonly mailboxes: Mailboxes;
  readonly metrics: Metrics;
  readonly now: () => number;
}

/** Fetch: what is there, in order, and the end; with wait_ms a long poll for the first message. */
export async function fetch(room: ReadingRoom, call: CallContext): Promise<void> {
  const request = await call.requests.only(FetchRequestSchema);
  call.requests.watchForReset();
  const reader = openReader(room, call, request.peek, Number(request.afterSeq));
  try {
    const waitMs = Math.min(request.waitMs, MAX_WAIT_MS);
    const max = request.max || Infinity;
    let sent = await reader.drain(max);
    if (sent === 0 && waitMs > 0 && await reader.waitForMail(waitMs)) sent += await reader.drain(max);
  } finally {
    reader.close();
  }
  await call.reply.end();
}

/** Watch: like fetch, and goes on as commits happen until the reader leaves or another takes the lease. */
export async function watch(room: ReadingRoom, call: CallContext): Promise<void> {
  const request = await call.requests.only(WatchRequestSchema);
  call.requests.watchForReset();
  const reader = openReader(room, call, request.peek, Number(request.afterSeq));
  try {
    await reader.drain(Infinity);
    await reader.caughtUp();
    for (;;) {
      await reader.waitForMail(Infinity);
      await reader.deliverFresh();
    }
  } finally {
    reader.close();
  }
}

/** Ack: deletes what the reader has; needs the mailbox's current lease. */
export async function ack(room: ReadingRoom, call: CallContext): Promise<void> {
  const request = await call.requests.only(AckRequestSchema);
  if (request.ranges.length > MAX_RANGES) {
    throw new QightError("message_too_large", `An acknowledgement holds at most ${MAX_RANGES} ranges`);
  }
  const ranges = request.ranges.map(({ first, last }) => ({ first: Number(first), last: Number(last) }));
  if (ranges.some(({ first, last }) => first < 1 || last < first || !Number.isSafeInteger(last))) {
    throw new QightError("bad_frame", "An acknowledged range is not a range");
  }
  room.mailboxes.checkLease(call.peer.mailbox, request.lease, call.peer);
  const deleted = await room.store.acknowledge(call.peer.device, ranges);
  room.metrics.delivered(deleted);
  room.mailboxes.roomChanged(call.peer.mailbox);
  await call.reply.send(toBinary(AckResponseSchema, create(AckResponseSchema, { deleted })));
}

const NOTICE_KINDS = {
  welcome: GroupNotice_Kind.WELCOME,
  commit: GroupNotice_Kind.COMMIT,
  removed: GroupNotice_Kind.REMOVED,
  reopened: GroupNotice_Kind.REOPENED,
  key_packages: GroupNotice_Kind.KEY_PACKAGES,
  members: GroupNotice_Kind.MEMBERS,
} as const;

function wireNotice({ group, kind, epoch }: GroupNotice): MessageInitShape<typeof GroupNoticeSchema> {
  return { group, kind: NOTICE_KINDS[kind], epoch: BigInt(epoch) };
}

/** One reader of one mailbox: a cursor, a lease unless peeking, and what arrived while it was busy. */
function openReader(room: ReadingRoom, call: CallContext, peek: boolean, afterSeq: number) {
  const { device, mailbox } = call.peer;
  let cursor = afterSeq;
  let fresh: StoredMessage[] = [];
  let overflowed = false;
  let wake: () => void = () => {};
  const lease = peek ? null : room.mailboxes.takeLease(mailbox, call.peer);
  const ended = lease ? AbortSignal.any([call.served.signal, lease.signal]) : call.served.signal;
  const unwatch = room.mailboxes.watch(mailbox, {
    stored(message) {
      if (fresh.length < WATCH_BUFFER) fresh.push(message);
      else overflowed = true;
      wake();
    },
  });
  if (lease) void say({ case: "lease", value: { id: lease.id } });

  function say(kind: MessageInitShape<typeof FetchResponseSchema>["kind"]): Promise<void> {
    return call.reply.send(toBinary(FetchResponseSchema, create(FetchResponseSchema, { kind })));
  }

  function deliver(message: StoredMessage): Promise<void> {
    cursor = message.seq;
    const { seq, receivedAtMs, expiresAtMs, envelope, notice } = message;
    const value = { seq: BigInt(seq), receivedAtMs: BigInt(receivedAtMs), expiresAtMs: BigInt(expiresAtMs), envelope };
    return say({ case: "delivered", value: notice ? { ...value, notice: wireNotice(notice) } : value });
  }

  /** Reads the store until it has no more, or `max` messages went out; returns how many did. */
  async function drain(max: number): Promise<number> {
    let sent = 0;
    while (sent < max) {
      ended.throwIfAborted();
      const page = await room.store.fetch(device, cursor, Math.min(PAGE_MESSAGES, max - sent), PAGE_BYTES, room.now());
      const gaps = [...page.expired];
      let written: Promise<void> = Promise.resolve();
      for (const message of page.messages) {
        while (gaps.length > 0 && gaps[0].first < message.seq) written = sayExpired(gaps.shift()!);
        written = deliver(message);
        sent++;
      }
      for (const gap of gaps) written = sayExpired(gap);
      await written;
      if (page.messages.length === 0) break;
    }
    return sent;
  }

  function sayExpired(range: { first: number; last: number }): Promise<void> {
    cursor = Math.max(cursor, range.last);
    return say({ case: "expired", value: { first: BigInt(range.first), last: BigInt(range.last) } });
  }

  return {
    drain,
    caughtUp: () => say({ case: "caughtUp", value: { lastSeq: BigInt(cursor) } }),
    /** True when mail came, false when the time ran out; rejects when the call or the lease ended. */
    async waitForMail(waitMs: number): Promise<boolean> {
      fresh = fresh.filter((message) => message.seq > cursor);
      if (fresh.length > 0 || overflowed) return true;
      ended.throwIfAborted();
      return await new Promise<boolean>((resolve, reject) => {
        const timer = waitMs === Infinity ? undefined : setTimeout(() => finish(() => resolve(false)), waitMs);
        const onAbort = () => finish(() => reject(ended.reason));
        const finish = (settle: () => void) => {
          clearTimeout(timer);
          ended.removeEventListener("abort", onAbort);
          settle();
        };
        wake = () => finish(() => resolve(true));
        ended.addEventListener("abort", onAbort, { once: true });
      });
    },
    /** Delivers what just arrived; straight from the commit while it is contiguous, else from the store. */
    async deliverFresh(): Promise<void> {
      const arrived = fresh.filter((message) => message.seq > cursor);
      fresh = [];
      const contiguous = !overflowed && arrived.every((message, i) => message.seq === cursor + 1 + i);
      overflowed = false;
      if (!contiguous) {
        await drain(Infinity);
        return;
      }
      let written: Promise<void> = Promise.resolve();
      for (const message of arrived) written = deliver(message);
      await written;
    },
    close: unwatch,
  };
}
