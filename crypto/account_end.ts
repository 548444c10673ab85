/**
 * The end of an account: its own signed word that it is gone for good, which outlives it at the relay.
 *
 * Layout: `AccountEnd` {1: body, 2: Ed25519 signature (64), 3: ML-DSA-65 signature (3309)}; body = serialized
 * `AccountEndBody` {1: {1: Ed25519 (32), 2: ML-DSA-65 (1952)}, 2: ended ms}; both signatures cover
 * `"qight account end v1\0"` + body.
 *
 * @example
 * ```ts
 * import { accountFromSeed } from "./account.ts";
 * import { openAccountEnd, signAccountEnd } from "./account_end.ts";
 * import assert from "node:assert/strict";
 *
 * const ada = await accountFromSeed(new Uint8Array(32).fill(7));
 * const { bytes } = await signAccountEnd(ada, 1_770_000_000_000);
 * const end = await openAccountEnd(bytes);
 * assert.deepEqual([end.accountId, end.endedAtMs], [ada.id, 1_770_000_000_000]);
 * ```
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../proto/errors.ts";
import { AccountEndBodySchema, AccountEndSchema } from "../proto/gen/qight/v1/account_pb.ts";
import { type Account, accountHash, formatAccountId } from "./account.ts";
import { signatureFault, signByAccount } from "./account_signatures.ts";
import { decodeCanonical, safeNumber } from "./canonical.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";

/** Longest serialized `AccountEnd`: keys, signatures (5.4 KB) and a date. */
const MAX_ACCOUNT_END_BYTES = 6144;

/** The end of an account, form and both signatures checked. */
export interface VerifiedAccountEnd {
  /** Account hash, 32 bytes. */
  readonly account: Uint8Array;
  /** The same as `qid1…`. */
  readonly accountId: string;
  /** When its owner ended it, milliseconds since 1970. */
  readonly endedAtMs: number;
  /** The serialized `AccountEnd`. */
  readonly bytes: Uint8Array;
}

/** Signs the end of an account at that time (milliseconds since 1970); throws `bad_bundle` for no whole number. */
export async function signAccountEnd(account: Account, endedAtMs: number): Promise<VerifiedAccountEnd> {
  if (!Number.isSafeInteger(endedAtMs) || endedAtMs < 0) throw bad("its date is not a whole number");
  const { ed25519, mlDsa65 } = account.keys;
  const fields = create(AccountEndBodySchema, { account: { ed25519, mlDsa65 }, endedAtMs: BigInt(endedAtMs) });
  const body = toBinary(AccountEndBodySchema, fields);
  const signatures = await signByAccount(account, concat(domains.accountEnd, body));
  return await openAccountEnd(toBinary(AccountEndSchema, create(AccountEndSchema, { body, ...signatures })));
}

/** Reads a serialized `AccountEnd` and checks its canonical form and both signatures; throws `bad_bundle`. */
export async function openAccountEnd(bytes: Uint8Array): Promise<VerifiedAccountEnd> {
  const end = decodeCanonical(AccountEndSchema, bytes, MAX_ACCOUNT_END_BYTES, "bad_bundle");
  const body = decodeCanonical(AccountEndBodySchema, end.body, MAX_ACCOUNT_END_BYTES, "bad_bundle");
  if (body.account === undefined) throw bad("it names no account");
  const account = await accountHash(body.account);
  const endedAtMs = safeNumber(body.endedAtMs, "The date of the account's end", "bad_bundle");
  const fault = await signatureFault(body.account, concat(domains.accountEnd, end.body), end);
  if (fault !== null) throw bad(fault);
  return { account, accountId: formatAccountId(account), endedAtMs, bytes };
}

function bad(why: string): QightError {
  return new QightError("bad_bundle", `Cannot use the end of the account: ${why}`);
}
