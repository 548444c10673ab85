/**
 * How much one identity or one address may ask of the relay. GCRA over a handed-in clock, in bounded memory.
 * @module
 */

import type { RelayLimits } from "./config.ts";
import { isLoopback } from "./config/addresses.ts";
import { createGcra } from "./limits/gcra.ts";
import { limitKey } from "./limits/limit_key.ts";
import { createLoginTries } from "./limits/login_tries.ts";

/** The relay's rate and connection limits. */
export interface Limits {
  /** Takes `count` sends of a device: 0 = go, else milliseconds until it is worth asking again. */
  takeSend(device: Uint8Array, count?: number): number;
  /** Sends that a device may make in a minute in the long run; 0 = as many as it likes. */
  readonly sendsPerMinute: number;
  /** Counts a connection in; false (and not counted) when the address has too many. Loopback always gets in. */
  admitConnection(ip: string): boolean;
  /** Counts out a connection that was admitted. */
  releaseConnection(ip: string): void;
  /** False when the address made too many accounts; a day's worth at once, then one each day/limit. */
  takeNewAccount(ip: string): boolean;
  /** Takes one call about invites of a device: 0 = go, else milliseconds to wait. */
  takeInvite(device: Uint8Array): number;
  /** Takes one call that changes a group, apart from commits: 0 = go, else milliseconds to wait. */
  takeGroupCall(device: Uint8Array): number;
  /** Takes an offered commit of that many bytes of a device: 0 = go, else milliseconds to wait. */
  takeCommit(device: Uint8Array, bytes: number): number;
  /** Milliseconds until a group may change again; 0 = now. */
  commitWait(group: Uint8Array): number;
  /** Counts a commit that a group took. */
  committed(group: Uint8Array): void;
  /** Takes one claim of an account's KeyPackages: whether single-use ones may go too, or how long to wait for any. */
  takeClaim(device: Uint8Array, account: Uint8Array): { readonly waitMs: number; readonly singleUse: boolean };
  /** Takes a call about files that brings so many bytes: 0 = go, else milliseconds to wait. */
  takeBlob(device: Uint8Array, bytes: number): number;
  /** Takes so many bytes of files that a device wants to have: 0 = go, else milliseconds to wait. */
  takeBlobRead(device: Uint8Array, bytes: number): number;
  /** Takes one call about a link code from an address: 0 = go, else milliseconds to wait. */
  takeRendezvous(ip: string): number;
  /** Takes a block (1) or a report (10) of an account: 0 = go, else milliseconds to wait. */
  takeModeration(account: Uint8Array, count: number): number;
  /** Takes one list with a device more than before, of an account: 0 = go, else milliseconds to wait. */
  takeNewDevice(account: Uint8Array): number;
  /** Takes one try with a recovery code from an address: 0 = go, else milliseconds to wait. */
  takeRecovery(ip: string): number;
  /** Takes one try at a password, by address and by whose it is (`tries`): 0 = go, else milliseconds to wait. */
  takeLogin(ip: string, tries: string): number;
  /** What `takeLogin` would answer, without taking. */
  loginWait(ip: string, tries: string): number;
  /** One of these tries was right: they count no more; those of the address do. */
  loginDone(tries: string): void;
  /** Takes one name that somebody from an address wants to register: 0 = go, else milliseconds to wait. */
  takeRegistration(ip: string): number;
  /** Takes one name that a device looks up: 0 = go, else milliseconds to wait. */
  takeName(device: Uint8Array): number;
  /** New numbers take effect at once; what was used stays used. */
  update(limits: RelayLimits): void;
}

const HOUR_MS = 3600_000;
/** Calls about invites: a person makes a few, a program that tries its luck many. */
const INVITE_RATE = { perPeriod: 120, periodMs: HOUR_MS, burst: 60 } as const;
/** Groups begun and left, join keys, reports. */
const GROUP_RATE = { perPeriod: 600, periodMs: HOUR_MS, burst: 200 } as const;
/** Accepted commits of one group. Eight members who all change it at once, twenty times over, stay below; a loop does not. */
const COMMIT_RATE = { perPeriod: 240, periodMs: 60_000, burst: 480 } as const;
/** Bytes of a commit that count as one send: so a device writes as much by commits as by messages, and no more. */
const COMMIT_SHARE = 256 * 1024;
/** Accounts whose KeyPackages one device may claim: a group of 250 at once, and another soon after. */
const CLAIM_RATE = { perPeriod: 1000, periodMs: HOUR_MS, burst: 500 } as const;
/** Claims of one account by one device: so that nobody takes another's whole stock of a hundred alone. */
const CLAIM_PAIR_RATE = { perPeriod: 60, periodMs: HOUR_MS, burst: 30 } as const;
/** Single-use packages of one account, whoever asks. Above it only the last resort is handed out: nobody is locked out. */
const CLAIMED_RATE = { perPeriod: 600, periodMs: HOUR_MS, burst: 300 } as const;
/** Files brought by one device, in shares: a quota of files at once, and 2 GiB in an hour. */
const BLOB_RATE = { perPeriod: 8_192, periodMs: HOUR_MS, burst: 4_096 } as const;
/** Files fetched by one device, in shares: 8 GiB in an hour. Who breaks off has paid for the whole. */
const BLOB_READ_RATE = { perPeriod: 32_768, periodMs: HOUR_MS, burst: 16_384 } as const;
/** Calls about link codes from one address: a link takes six, and more when people take their time. */
const RENDEZVOUS_RATE = { perPeriod: 240, periodMs: HOUR_MS, burst: 120 } as const;
/** Tries with recovery codes from one address; nobody can guess one, and nobody has a reason to try often. */
const RECOVERY_RATE = { perPeriod: 20, periodMs: HOUR_MS, burst: 20 } as const;
/** Names that one device looks up: a person a few, a program that wants to know all of them many. */
const NAME_RATE = { perPeriod: 600, periodMs: HOUR_MS, burst: 120 } as const;
/** Blocks and reports of one account, whose devices may come and go: a list of blocks moves at once, and twelve reports an hour fill no disk. */
const MODERATION_RATE = { perPeriod: 120, periodMs: HOUR_MS, burst: 60 } as const;
/** Devices that come on an account's list: all of its groups are told in one step. That one goes off it has no limit. */
const NEW_DEVICE_RATE = { perPeriod: 30, periodMs: HOUR_MS, burst: 30 } as const;
/** Bytes of a file that count as one: a chunk. */
const BLOB_SHARE = 256 * 1024;

/** `now` is in milliseconds and may jump: time that runs backwards is ignored. */
export function createLimits(options: { limits: RelayLimits; now: () => number }): Limits {
  const day = 86_400_000;
  const clock = neverBackwards(options.now);
  const sends = createGcra({ now: clock, ...sendRate(options.limits) });
  const accounts = createGcra({ now: clock, ...accountRate(options.limits) });
  const invites = createGcra({ now: clock, ...INVITE_RATE });
  const groupCalls = createGcra({ now: clock, ...GROUP_RATE });
  const commits = createGcra({ now: clock, ...COMMIT_RATE });
  const claims = createGcra({ now: clock, ...CLAIM_RATE });
  const claimPairs = createGcra({ now: clock, ...CLAIM_PAIR_RATE });
  const claimed = createGcra({ now: clock, ...CLAIMED_RATE });
  const blobs = createGcra({ now: clock, ...BLOB_RATE });
  const blobReads = createGcra({ now: clock, ...BLOB_READ_RATE });
  const rendezvous = createGcra({ now: clock, ...RENDEZVOUS_RATE });
  const recoveries = createGcra({ now: clock, ...RECOVERY_RATE });
  const moderation = createGcra({ now: clock, ...MODERATION_RATE });
  const newDevices = createGcra({ now: clock, ...NEW_DEVICE_RATE });
  const logins = createGcra({ now: clock, ...loginRate(options.limits) });
  const tries = createLoginTries({ now: clock });
  const registrations = createGcra({ now: clock, ...accountRate(options.limits) });
  const names = createGcra({ now: clock, ...NAME_RATE });
  const loginWait = (ip: string, whose: string) => Math.max(logins.wait(limitKey(ip), 1), tries.wait(whose));
  const connections = new Map<string, number>(); // bounded by the connections that are up
  let limits = options.limits;

  return {
    takeSend: (device, count = 1) => sends.take(device.toHex(), count),
    get sendsPerMinute() {
      return limits.sendPerMinute;
    },
    admitConnection(ip) {
      const key = limitKey(ip);
      const open = connections.get(key) ?? 0;
      const most = limits.connectionsPerIp;
      if (most > 0 && open >= most && !isLoopback(ip)) return false;
      connections.set(key, open + 1);
      return true;
    },
    releaseConnection(ip) {
      const key = limitKey(ip);
      const open = connections.get(key) ?? 0;
      if (open > 1) connections.set(key, open - 1);
      else connections.delete(key);
    },
    takeInvite: (device) => invites.take(device.toHex(), 1),
    takeGroupCall: (device) => groupCalls.take(device.toHex(), 1),
    takeCommit: (device, bytes) => sends.take(device.toHex(), Math.max(1, Math.ceil(bytes / COMMIT_SHARE))),
    commitWait: (group) => commits.wait(group.toHex(), 1),
    committed: (group) => void commits.take(group.toHex(), 1),
    takeClaim(device, account) {
      const pair = device.toHex() + account.toHex();
      const waitMs = Math.max(claims.wait(device.toHex(), 1), claimPairs.wait(pair, 1));
      if (waitMs > 0) return { waitMs, singleUse: false };
      claims.take(device.toHex(), 1);
      claimPairs.take(pair, 1);
      return { waitMs: 0, singleUse: claimed.take(account.toHex(), 1) === 0 };
    },
    takeBlob: (device, bytes) => blobs.take(device.toHex(), Math.max(1, Math.ceil(bytes / BLOB_SHARE))),
    takeBlobRead: (device, bytes) => blobReads.take(device.toHex(), Math.max(1, Math.ceil(bytes / BLOB_SHARE))),
    takeRendezvous: (ip) => rendezvous.take(limitKey(ip), 1),
    takeNewDevice: (account) => newDevices.take(account.toHex(), 1),
    takeModeration: (account, count) => moderation.take(account.toHex(), count),
    takeRecovery: (ip) => recoveries.take(limitKey(ip), 1),
    loginWait,
    takeLogin(ip, whose) {
      const waitMs = loginWait(ip, whose);
      if (waitMs > 0) return waitMs;
      return Math.max(logins.take(limitKey(ip), 1), tries.take(whose));
    },
    loginDone: (whose) => tries.reset(whose),
    takeRegistration: (ip) => registrations.take(limitKey(ip), 1),
    takeName: (device) => names.take(device.toHex(), 1),
    takeNewAccount: (ip) => accounts.take(limitKey(ip), 1) === 0,
    update(next) {
      limits = next;
      sends.update(sendRate(next));
      accounts.update(accountRate(next));
      registrations.update(accountRate(next));
      logins.update(loginRate(next));
    },
  };

  function sendRate(from: RelayLimits) {
    return { perPeriod: from.sendPerMinute, periodMs: 60_000, burst: from.sendBurst };
  }

  function loginRate(from: RelayLimits) {
    return { perPeriod: from.loginsPerIpPerHour, periodMs: HOUR_MS, burst: from.loginsPerIpPerHour };
  }

  function accountRate(from: RelayLimits) {
    return { perPeriod: from.newAccountsPerIpPerDay, periodMs: day, burst: from.newAccountsPerIpPerDay };
  }
}

// The operator or NTP may turn the clock. Backwards must lock nobody out until the old time comes again.
function neverBackwards(now: () => number): () => number {
  let last = now();
  let elapsed = 0;
  return () => {
    const current = now();
    if (current > last) elapsed += current - last;
    last = current;
    return elapsed;
  };
}
