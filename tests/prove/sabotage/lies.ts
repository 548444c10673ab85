/**
 * One lie each, told around the real store: what a relay would do if the guarded line were missing.
 * @module
 */
import { QightError } from "../../../proto/errors.ts";
import type { Enqueued, NewMessage, Store } from "../../../relay/storage/store.ts";
import { codesStay, guessFreely, keepSessions, lateCodes, reuseALogin, slowForKnown } from "./account_lies.ts";
import { instead } from "./instead.ts";

/** Puts a lie around a store. */
export type Lie = (store: Store) => Store;

/** Every lie by its name; `none` is the real store, to show that the rig blames nobody without reason. */
export const lies: Readonly<Record<string, Lie>> = {
  "none": (store) => store,
  "ack-before-commit": ackBeforeCommit,
  "delete-on-fetch": deleteOnFetch,
  "forget-dedup": forgetDedup,
  "reuse-a-sequence": reuseASequence,
  "drop-one-in-500": dropOneIn500,
  "ignore-a-failed-sync": ignoreAFailedSync,
  "two-commits-an-epoch": twoCommitsAnEpoch,
  "hand-out-twice": handOutTwice,
  "never-take-back": neverTakeBack,
  "keep-sessions": keepSessions,
  "late-codes": lateCodes,
  "codes-stay": codesStay,
  "slow-for-known": slowForKnown,
  "reuse-a-login": reuseALogin,
  "guess-freely": guessFreely,
};

/** Says "stored" at once and stores meanwhile. */
function ackBeforeCommit(store: Store): Store {
  const guess = numbersOf(store);
  return instead(store, {
    async enqueue(message) {
      const seq = await guess(message);
      store.enqueue(message).catch((error) => console.error(`stored after all? ${error}`));
      return { kind: "stored", seq, expiresAtMs: message.expiresAtMs };
    },
  });
}

/** What was read is gone, whether or not it arrived. */
function deleteOnFetch(store: Store): Store {
  return instead(store, {
    async fetch(mailbox, ...rest) {
      const page = await store.fetch(mailbox, ...rest);
      const ranges = page.messages.map(({ seq }) => ({ first: seq, last: seq }));
      if (ranges.length > 0) await store.acknowledge(mailbox, ranges);
      return page;
    },
  });
}

/** The store never sees an id twice. */
function forgetDedup(store: Store): Store {
  return instead(store, {
    enqueue: (message) => store.enqueue({ ...message, id: crypto.getRandomValues(new Uint8Array(16)) }),
  });
}

const EVERY = 100;

/** Every hundredth number is given twice: 99, 99, 100 … */
function reuseASequence(store: Store): Store {
  const told = (seq: number) => seq - Math.floor(seq / EVERY);
  // The highest real number that is told as this one; numbers told twice are EVERY - 1 apart.
  const real = (seq: number) => seq + Math.floor(seq / (EVERY - 1));
  return instead(store, {
    async enqueue(message) {
      const outcome = await store.enqueue(message);
      return "seq" in outcome ? { ...outcome, seq: told(outcome.seq) } : outcome;
    },
    async fetch(mailbox, afterSeq, ...rest) {
      const page = await store.fetch(mailbox, real(afterSeq), ...rest);
      return {
        messages: page.messages.map((message) => ({ ...message, seq: told(message.seq) })),
        expired: page.expired.map(({ first, last }) => ({ first: told(first), last: told(last) })),
        lastSeq: told(page.lastSeq),
      };
    },
    acknowledge: (mailbox, ranges) =>
      store.acknowledge(
        mailbox,
        ranges.map(({ first, last }) => ({ first: real(first - 1) + 1, last: real(last) })),
      ),
  });
}

/** Takes every five hundredth message, says so, and forgets it before anybody hears of it. */
function dropOneIn500(store: Store): Store {
  let accepted = 0;
  return instead(store, {
    async enqueue(message) {
      const outcome = await store.enqueue(message);
      if (outcome.kind !== "stored" || ++accepted % 500 !== 0) return outcome;
      await store.acknowledge(message.recipient, [{ first: outcome.seq, last: outcome.seq }]);
      return { ...outcome, kind: "duplicate", receivedAtMs: message.receivedAtMs }; // a "stored" one would be told to watchers
    },
  });
}

/** The disk failed, and the relay goes on as if nothing had happened. */
function ignoreAFailedSync(store: Store): Store {
  const guess = numbersOf(store);
  return instead(store, {
    failed: new Promise<never>(() => {}),
    async enqueue(message): Promise<Enqueued> {
      const seq = await guess(message);
      try {
        return await store.enqueue(message);
      } catch (error) {
        if (!(error instanceof QightError) || error.code !== "store_damaged") throw error;
        return { kind: "stored", seq, expiresAtMs: message.expiresAtMs };
      }
    },
  });
}

/** Says yes to a commit that lost its race: whoever made it goes its own way. */
function twoCommitsAnEpoch(store: Store): Store {
  return instead(store, {
    groups: instead(store.groups, {
      async commit(commit, bounds) {
        const outcome = await store.groups.commit(commit, bounds);
        return outcome.kind === "stale_epoch" ? { kind: "accepted", epoch: commit.epoch + 1, notices: [] } : outcome;
      },
    }),
  });
}

/** Every tenth claim is answered with what the one before was given. */
function handOutTwice(store: Store): Store {
  let claims = 0;
  let before: Awaited<ReturnType<Store["keyPackages"]["claim"]>> | null = null;
  return instead(store, {
    keyPackages: instead(store.keyPackages, {
      async claim(claim) {
        if (++claims % 10 === 0 && before) return before;
        return before = await store.keyPackages.claim(claim);
      },
    }),
  });
}

/** Hears the members' reports of a bad commit, and leaves it where it is. */
function neverTakeBack(store: Store): Store {
  return instead(store, {
    groups: instead(store.groups, { report: () => Promise.resolve({ reopened: false, notices: [] }) }),
  });
}

/** Guesses the number that a message will get, so that an answer can be given before there is one. */
function numbersOf(store: Store): (message: NewMessage) => Promise<number> {
  const next = new Map<string, Promise<number>>();
  return (message) => {
    const mailbox = message.recipient.toHex();
    const before = next.get(mailbox) ?? store.fetch(message.recipient, 0, 1, 1, 0).then(({ lastSeq }) => lastSeq);
    const mine = before.then((seq) => seq + 1);
    next.set(mailbox, mine);
    return mine;
  };
}
