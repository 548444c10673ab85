/**
 * What the operator may do about accounts: see them, suspend one for a time, ban it, and take that back.
 * @module
 */
import { deviceFingerprint, formatAccountId, parseAccountId } from "../../crypto/account.ts";
import { readName } from "../../crypto/account_name.ts";
import { QightError } from "../../proto/errors.ts";
import type { AdminHandlers, AdminParams } from "../admin.ts";
import type { Audit } from "../audit.ts";
import type { Closures } from "../closures.ts";
import { endSessions } from "../end_sessions.ts";
import type { Peer } from "../peer.ts";
import type { Closure } from "../storage/account_store.ts";
import type { Store } from "../storage/store.ts";
import { isoOrNull, text, textOrNone } from "./params.ts";

/** Names in one answer; who asks goes on after the last. */
const PAGE = 500;
const MAX_REASON = 200;
/** Longest suspension that ends by itself. */
const MAX_CLOSED_MS = 100 * 365 * 24 * 3600_000;

/** What administering accounts needs of the relay. */
export interface AccountAdminRoom {
  readonly store: Pick<Store, "accounts" | "bundleOfAccount">;
  readonly closures: Closures;
  readonly peers: ReadonlySet<Peer>;
  readonly audit: Audit;
  readonly now: () => number;
}

/** The admin methods by name. An account is named by its name here or by its id; each change goes to the audit log. */
export function accountHandlers(room: AccountAdminRoom): AdminHandlers {
  const { accounts } = room.store;
  return {
    async "account.list"(params) {
      const named = await accounts.list(textOrNone(params, "after", 64), PAGE);
      return named.map(({ name, account, registeredAtMs }) => ({
        name,
        id: formatAccountId(account),
        registered_at: new Date(registeredAtMs).toISOString(),
        ...state(room.closures.of(account)),
      }));
    },
    async "account.show"(params) {
      const account = await accountOf(room, params);
      const nowMs = room.now();
      const [named, bundle, sessions, recovery] = await Promise.all([
        accounts.nameOf(account),
        room.store.bundleOfAccount(account),
        accounts.sessionsOf(account, nowMs),
        accounts.recoveryOf(account),
      ]);
      const devices = bundle?.devices ?? [];
      const seen = await accounts.lastSeen(devices);
      return {
        name: named?.name ?? null,
        id: formatAccountId(account),
        registered_at: isoOrNull(named?.registeredAtMs ?? null),
        ...state(room.closures.of(account)),
        ended: await accounts.ended(account) !== null,
        sessions: sessions.length,
        recovery_codes: recovery?.codes ?? 0,
        devices: await Promise.all(devices.map(async (device, at) => ({
          id: await deviceFingerprint(device),
          last_seen: isoOrNull(seen[at] || null),
        }))),
      };
    },
    "account.suspend": (params) => close(room, params, "suspended"),
    "account.ban": (params) => close(room, params, "banned"),
    async "account.reopen"(params) {
      const account = await accountOf(room, params);
      if (!await room.closures.reopen(account)) {
        throw new QightError("usage", "This account is not closed", {
          hint: "qight relay account list shows which are.",
        });
      }
      room.audit.record("account.reopen", { account: handle(account) });
      return { id: formatAccountId(account), ...state(null) };
    },
  };
}

async function close(room: AccountAdminRoom, params: AdminParams, kind: Closure["kind"]) {
  const account = await accountOf(room, params);
  const forMs = params.for_ms === undefined ? null : Number(params.for_ms);
  // Later than any date is no date, and whoever lists accounts would meet it.
  const isTime = forMs === null || (Number.isSafeInteger(forMs) && forMs > 0 && forMs <= MAX_CLOSED_MS);
  if (!isTime) throw new QightError("usage", "for_ms is no time, or more than a hundred years");
  const sinceMs = room.now();
  const untilMs = forMs === null ? null : sinceMs + forMs;
  const closure = { account, kind, reason: textOrNone(params, "reason", MAX_REASON), sinceMs, untilMs };
  await room.closures.close(closure);
  const devices = (await room.store.bundleOfAccount(account))?.devices ?? [];
  const reason = room.closures.refusal(account);
  if (reason) endSessions(room.peers, devices, reason);
  room.audit.record(kind === "banned" ? "account.ban" : "account.suspend", {
    account: handle(account),
    reason: closure.reason,
    until: isoOrNull(untilMs),
  });
  return { id: formatAccountId(account), ...state(closure) };
}

/** By name or id. An id that the relay has not seen may be closed before it comes. */
async function accountOf({ store }: AccountAdminRoom, params: AdminParams): Promise<Uint8Array> {
  const who = text(params, "who");
  if (/^qid1/i.test(who) || /^[0-9a-fA-F]{64}$/.test(who)) return parseAccountId(who);
  const named = await store.accounts.named(readName(who));
  if (named) return named.account;
  throw new QightError("no_such_recipient", `Nobody has the name ${readName(who)}`, {
    hint: "qight relay account list shows all names.",
  });
}

function state(closure: Closure | null) {
  return {
    state: closure?.kind ?? "open",
    reason: closure?.reason ?? "",
    until: isoOrNull(closure?.untilMs ?? null),
  };
}

/** Enough for the operator to find the account again, too little to write to it. */
function handle(account: Uint8Array): string {
  return account.subarray(0, 4).toHex();
}
