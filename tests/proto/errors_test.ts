/**
 * The table of errors is locked: scripts match codes, old programs match numbers, shells match exit codes.
 * @module
 */
import assert from "node:assert/strict";
import { asQightError, codeOfNumber, type ErrorCode, errorTable, QightError } from "../../proto/errors.ts";

/** Only ever added to: a new code gets its line here, no line changes. */
const locked: Readonly<Record<string, number>> = {
  internal: 100,
  usage: 6400,
  bad_address: 6401,
  bad_id: 6402,
  bad_duration: 6403,
  empty_message: 6404,
  secret_in_argv: 6405,
  passphrase_needed: 6406,
  id_reused: 6407,
  bad_name: 6408,
  bad_invite: 6409,
  bad_signature: 6500,
  bad_envelope: 6501,
  bad_frame: 6502,
  message_too_large: 6503,
  id_conflict: 6504,
  expired: 6505,
  from_the_future: 6506,
  bad_bundle: 6507,
  bad_key_file: 6508,
  cannot_open: 6509,
  bad_backup: 6510,
  version_conflict: 6511,
  bad_receipt: 6512,
  invite_used: 6513,
  invite_unknown: 6514,
  no_input: 6600,
  nothing_to_fetch: 6601,
  no_key: 6602,
  no_such_recipient: 6700,
  no_such_contact: 6701,
  unreachable: 6900,
  unhealthy: 6901,
  invariant: 7000,
  cannot_create: 7300,
  would_overwrite: 7301,
  already_running: 7302,
  io: 7400,
  store_damaged: 7401,
  exec_failed: 7402,
  rate_limited: 7500,
  queue_full: 7501,
  storage_full: 7502,
  draining: 7503,
  busy: 7504,
  lease_lost: 7505,
  protocol: 7600,
  wrong_relay: 7601,
  bad_certificate: 7602,
  unknown_method: 7603,
  not_allowed: 7700,
  no_session: 7701,
  bad_proof: 7702,
  bad_token: 7703,
  wrong_passphrase: 7704,
  key_changed: 7705,
  blocked: 7706,
  config: 7800,
  no_relay: 7801,
  port_taken: 7802,
  insecure_config: 7803,
  too_old_runtime: 7804,
  timeout: 12400,
  interrupted: 13000,
  terminated: 14300,
  group_exists: 6515,
  bad_group_message: 6516,
  bad_blob: 6517,
  bad_transcript: 6518,
  no_such_group: 6702,
  no_key_package: 6703,
  no_such_file: 6704,
  stale_epoch: 7506,
  not_a_member: 7707,
  bad_code: 6410,
  name_taken: 6519,
  code_unknown: 6520,
  too_many_devices: 6521,
  bad_report: 6522,
  no_such_device: 6705,
  login_needed: 7708,
  wrong_password: 7709,
  not_listed: 7710,
  suspended: 7711,
  account_ended: 7712,
  no_accounts: 7713,
  refused_by_recipient: 7714,
};

/** Exit codes that docs/errors.md explains; 0 is no error. */
const exits = [1, 64, 65, 66, 67, 69, 70, 73, 74, 75, 76, 77, 78, 124, 130, 143];
const codes = Object.keys(errorTable) as ErrorCode[];

Deno.test("numbers are exactly the locked ones", () => {
  assert.deepEqual(Object.fromEntries(codes.map((code) => [code, errorTable[code].number])), locked);
});

Deno.test("no two codes share a number", () => {
  assert.equal(new Set(codes.map((code) => errorTable[code].number)).size, codes.length);
});

Deno.test("every exit code is a documented one, and the number says which", () => {
  for (const code of codes) {
    const { exit, number } = errorTable[code];
    assert.ok(exits.includes(exit), `${code} exits ${exit}`);
    assert.equal(Math.floor(number / 100), exit, `${code} has number ${number} and exit ${exit}`);
  }
});

Deno.test("every documented exit code but 0 has a code that gives it", () => {
  assert.deepEqual([...new Set(codes.map((code) => errorTable[code].exit))].sort((a, b) => a - b), exits);
});

Deno.test("every code comes back from its number", () => {
  for (const code of codes) assert.equal(codeOfNumber(errorTable[code].number), code);
});

Deno.test("an unknown number is internal", () => {
  for (const number of [0, -1, 1, 99, 4_294_967_295, Number.NaN]) assert.equal(codeOfNumber(number), "internal");
});

Deno.test("sentences are sentences and hints say what to do", () => {
  for (const code of codes) {
    const { sentence, hint } = errorTable[code];
    assert.match(sentence, /^[A-Z].*[^.]$/, code);
    assert.match(hint, /^[A-Z].*\.$/, code);
  }
});

Deno.test("an error carries its code, its exit, its hint and what the thrower added", () => {
  const cause = new Error("disk");
  const plain = new QightError("queue_full");
  assert.equal(plain.message, errorTable.queue_full.sentence);
  assert.equal(plain.hint, errorTable.queue_full.hint);
  assert.equal(plain.exit, 75);
  assert.equal(plain.retryAfterMs, undefined);
  const full = new QightError("busy", "Too much", { cause, hint: "Wait.", retryAfterMs: 5, requestId: "ab" });
  assert.deepEqual(
    [full.code, full.message, full.hint, full.retryAfterMs, full.requestId, full.cause],
    ["busy", "Too much", "Wait.", 5, "ab", cause],
  );
});

Deno.test("whatever was thrown becomes a QightError, and one that is one stays itself", () => {
  const own = new QightError("timeout");
  assert.equal(asQightError(own), own);
  const wrapped = asQightError(new TypeError("odd"), "io");
  assert.deepEqual([wrapped.code, wrapped.message], ["io", "odd"]);
  assert.deepEqual([asQightError("text").code, asQightError("text").message], ["internal", "text"]);
});
