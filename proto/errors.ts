/**
 * The one error class and the one table of everything that can go wrong.
 * Clients and scripts match codes; people read the sentence and the hint.
 * @module
 */

/** What a code means: its number on the wire (never reused), its sentence, its exit code and what to do next. */
export interface ErrorKind {
  /** Number on the wire; fixed for ever. */
  readonly number: number;
  /** One sentence for people. */
  readonly sentence: string;
  /** Process exit code (sysexits; the table is in docs/errors.md). */
  readonly exit: number;
  /** What to do next. */
  readonly hint: string;
}

/** Every error code of qight. Numbers are grouped by exit code: 64xx is exit 64, and so on. */
export const errorTable = {
  internal: kind(100, "An unexpected error happened", 1, "This is a bug: please report it with the output of --debug."),
  usage: kind(6400, "The command was not understood", 64, "See qight help."),
  bad_address: kind(
    6401,
    "The relay address is malformed",
    64,
    "It looks like qight://ROOT@host:port, as printed by qight relay.",
  ),
  bad_id: kind(6402, "The id is malformed", 64, "An account id starts with qid1; copy it whole."),
  bad_duration: kind(6403, "The duration is malformed", 64, "Write 30s, 15m, 1h, 7d, 2w or a sum such as 1h30m."),
  empty_message: kind(6404, "The message is empty", 64, "Give a MESSAGE, a file with -f, or text on standard input."),
  secret_in_argv: kind(
    6405,
    "Secrets are never taken from the command line or the environment",
    64,
    "Use --passphrase-file FILE or QIGHT_PASSPHRASE_FILE.",
  ),
  passphrase_needed: kind(
    6406,
    "A passphrase is needed and there is no terminal to ask on",
    64,
    "Use --passphrase-file FILE, or --no-passphrase for an unprotected key.",
  ),
  id_reused: kind(
    6407,
    "This id belongs to another message",
    64,
    "Use a fresh --id, or send --id ID without MESSAGE to repeat the first one.",
  ),
  bad_name: kind(
    6408,
    "This cannot be a name",
    64,
    "A name has 1 to 64 letters, digits, dots, dashes or underscores, begins with a letter or digit, and is no id.",
  ),
  bad_invite: kind(
    6409,
    "This is no invite",
    64,
    "An invite is twelve English words or a link, as qight invite create prints them.",
  ),
  bad_code: kind(
    6410,
    "This is no code",
    64,
    "A link code is twelve English words; a recovery code begins with qrc1.",
  ),
  bad_signature: kind(6500, "The signature is not valid", 65, "The message was changed or signed by another key."),
  bad_envelope: kind(6501, "The envelope is malformed", 65, "It was damaged or made by an incompatible program."),
  bad_frame: kind(6502, "The frame is malformed", 65, "The peer does not speak qight/1."),
  message_too_large: kind(
    6503,
    "The message is too large",
    65,
    "Split it, or ask the operator to raise storage.max_message.",
  ),
  id_conflict: kind(6504, "Another message is already known under this id", 65, "Use a fresh id."),
  expired: kind(6505, "The message is too old", 65, "It was made before the relay's storage.max_ttl; send it again."),
  from_the_future: kind(6506, "The message is dated in the future", 65, "Check this machine's clock."),
  bad_bundle: kind(6507, "The account bundle is not valid", 65, "Ask its owner to publish it again."),
  bad_key_file: kind(6508, "The key file is damaged or not a key file", 65, "Restore it from a copy."),
  cannot_open: kind(6509, "The sealed message cannot be opened", 65, "It was sealed to another key."),
  bad_backup: kind(6510, "The backup is damaged or not a backup", 65, "Use another copy; nothing was changed."),
  version_conflict: kind(6511, "Somebody else changed it first", 65, "Read it again and repeat."),
  bad_receipt: kind(
    6512,
    "The receipt proves nothing",
    65,
    "Check that it is whole and that the address is of the relay that gave it.",
  ),
  invite_used: kind(
    6513,
    "This invite was already used",
    65,
    "An invite works once. If you did not use it, somebody else did: tell who gave it to you, and ask for another.",
  ),
  invite_unknown: kind(
    6514,
    "The relay knows no such invite: it expired, was taken back, or was made at another relay",
    65,
    "Ask for a new one, and for the relay it was made at.",
  ),
  group_exists: kind(6515, "There is a group with this id already", 65, "Join that one, or use another id."),
  bad_group_message: kind(
    6516,
    "The group message is not valid",
    65,
    "It was damaged, or its maker is no member or may not do this.",
  ),
  bad_blob: kind(6517, "The bytes of the file are not the ones that were announced", 65, "Ask for the file again."),
  bad_transcript: kind(
    6518,
    "The transcript is not whole, or is none",
    65,
    "Believe none of it, or ask whoever wrote it down for another copy.",
  ),
  name_taken: kind(6519, "This name is taken", 65, "Choose another one."),
  code_unknown: kind(
    6520,
    "The relay knows no such code: it was used, is too old, or is another relay's",
    65,
    "A link code works once, for ten minutes; a recovery code once.",
  ),
  too_many_devices: kind(
    6521,
    "The account has as many devices as it may",
    65,
    "Revoke one first: qight device list, qight device revoke DEVICE.",
  ),
  bad_report: kind(6522, "The report proves nothing", 65, "Only messages as they were received can be reported."),
  no_input: kind(6600, "The file cannot be read", 66, "Check the path."),
  nothing_to_fetch: kind(6601, "There is nothing to fetch", 66, "Leave out --fail-empty to make this exit 0."),
  no_key: kind(6602, "There is no key here yet", 66, "Make one with qight key gen."),
  no_such_recipient: kind(
    6700,
    "The relay knows no such recipient",
    67,
    "Ask them to run qight fetch with this relay once.",
  ),
  no_such_contact: kind(
    6701,
    "There is no such contact",
    67,
    "See qight contact list; add one with qight contact add NAME ID.",
  ),
  no_such_group: kind(6702, "There is no such group", 67, "See qight group list."),
  no_key_package: kind(
    6703,
    "No device of this account can be added to a conversation yet",
    67,
    "Ask them to run qight fetch with this relay once.",
  ),
  no_such_file: kind(6704, "There is no such file, or not any more", 67, "See qight file list."),
  no_such_device: kind(6705, "The account has no such device", 67, "See qight device list."),
  unreachable: kind(6900, "The relay cannot be reached", 69, "Check the address, and that qight relay runs there."),
  unhealthy: kind(6901, "The relay is not healthy", 69, "See its log."),
  invariant: kind(7000, "An internal invariant is broken", 70, "Stop, keep the data, and report this."),
  cannot_create: kind(7300, "The file or folder cannot be created", 73, "Check the path and its permissions."),
  would_overwrite: kind(7301, "The file exists and is not overwritten", 73, "Use --force, or another path."),
  already_running: kind(7302, "Another relay uses this data folder", 73, "Stop it, or choose another --data-dir."),
  io: kind(7400, "Reading or writing failed", 74, "Check the disk and the path."),
  store_damaged: kind(
    7401,
    "The database is damaged or the disk failed",
    74,
    "Nothing was repaired by deleting; see docs/operations.md, then restore a backup.",
  ),
  exec_failed: kind(7402, "The command of --exec failed", 74, "The message was not acknowledged and comes again."),
  rate_limited: kind(7500, "Too many requests", 75, "Wait and repeat."),
  queue_full: kind(
    7501,
    "The mailbox of the recipient is full",
    75,
    "Repeat when they have fetched; send --lines waits by itself.",
  ),
  storage_full: kind(
    7502,
    "The relay's storage is full",
    75,
    "The operator must make room; reading and acknowledging still work.",
  ),
  draining: kind(7503, "The relay is shutting down", 75, "Repeat in a moment."),
  busy: kind(7504, "Too many connections, calls or bytes at once", 75, "Wait and repeat."),
  lease_lost: kind(
    7505,
    "Another reader took over this mailbox",
    75,
    "Only one fetch reads a mailbox at a time; stop the other or run this again.",
  ),
  stale_epoch: kind(7506, "The group has moved on meanwhile", 75, "Repeat; what changed is taken in first."),
  protocol: kind(7600, "The peer speaks another protocol", 76, "Update both sides."),
  wrong_relay: kind(
    7601,
    "This is not the relay that the address names",
    76,
    "Compare the address with the one printed by qight relay.",
  ),
  bad_certificate: kind(
    7602,
    "The relay's certificate is not valid",
    76,
    "Check this machine's clock and the relay's certificate.",
  ),
  unknown_method: kind(7603, "The relay does not know this call", 76, "Update the relay."),
  not_allowed: kind(7700, "This is not allowed", 77, "Ask the operator of the relay."),
  no_session: kind(7701, "This call needs a proven device", 77, "Say hello first."),
  bad_proof: kind(7702, "The proof of the device key is not valid", 77, "Connect again."),
  bad_token: kind(
    7703,
    "The relay wants a valid access token",
    77,
    "Give --token-file FILE with a token from qight relay token add.",
  ),
  wrong_passphrase: kind(7704, "The passphrase is wrong", 77, "Try again."),
  key_changed: kind(
    7705,
    "The key of this peer changed or was rolled back",
    77,
    "Compare safety numbers with them first.",
  ),
  blocked: kind(7706, "This contact is blocked", 77, "To lift it: qight contact block NAME --undo."),
  not_a_member: kind(7707, "Only members of the group may do this", 77, "Ask a member to invite you."),
  login_needed: kind(
    7708,
    "The relay wants you to sign in",
    77,
    "Use qight account login NAME, or qight account register NAME when you are new here.",
  ),
  wrong_password: kind(7709, "The name or the password is wrong", 77, "Try again, after the wait where one is named."),
  not_listed: kind(
    7710,
    "This device is not on the account's list",
    77,
    "Link it from another device with qight device link, or use qight account recover.",
  ),
  suspended: kind(7711, "The operator has closed this account for now", 77, "Ask the operator of the relay."),
  account_ended: kind(7712, "This account was deleted", 77, "Make another one with qight key gen."),
  no_accounts: kind(
    7713,
    "This relay keeps no names and passwords",
    77,
    "A key is enough here; qight account codes makes recovery codes.",
  ),
  refused_by_recipient: kind(7714, "The recipient takes no messages from this account", 77, "Nothing was delivered."),
  config: kind(7800, "The configuration is not valid", 78, "See qight config check."),
  no_relay: kind(7801, "No relay is chosen", 78, "Use --relay ADDR or set QIGHT_RELAY."),
  port_taken: kind(7802, "The port is taken", 78, "Choose another address for listen, or stop the other program."),
  insecure_config: kind(
    7803,
    "This configuration would be unsafe",
    78,
    "Read the sentence above, and say so explicitly if you mean it.",
  ),
  too_old_runtime: kind(7804, "This Deno is too old", 78, "Install Deno 2.9.5 or newer."),
  timeout: kind(12400, "The time ran out", 124, "The outcome is unknown; repeat with the same --id."),
  interrupted: kind(13000, "Interrupted", 130, "The outcome may be unknown; repeat with the same --id."),
  terminated: kind(14300, "Terminated", 143, "The outcome may be unknown; repeat with the same --id."),
} as const satisfies Record<string, ErrorKind>;

/** A stable error code. */
export type ErrorCode = keyof typeof errorTable;

/** The one error class: a stable code, a sentence, and sometimes the cause and a time to wait (milliseconds). */
export class QightError extends Error {
  override readonly name = "QightError";
  /** Stable code; scripts match it. */
  readonly code: ErrorCode;
  /** What to do next; the table's hint unless the thrower knows better. */
  readonly hint: string;
  /** How long to wait before trying again, in milliseconds, when the relay said so. */
  readonly retryAfterMs?: number;
  /** Machine-readable extras that the wire carries (for example the id of a request). */
  readonly requestId?: string;
  /** With `stale_epoch`: where the group is now. */
  readonly epoch?: number;

  constructor(code: ErrorCode, message?: string, options: QightErrorOptions = {}) {
    super(message ?? errorTable[code].sentence, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? errorTable[code].hint;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    if (options.requestId !== undefined) this.requestId = options.requestId;
    if (options.epoch !== undefined) this.epoch = options.epoch;
  }

  /** Exit code of a command that ends with this error. */
  get exit(): number {
    return errorTable[this.code].exit;
  }
}

/** What a thrower may add to an error. */
export interface QightErrorOptions {
  cause?: unknown;
  hint?: string;
  retryAfterMs?: number;
  requestId?: string;
  epoch?: number;
}

/** The code behind a number from the wire; unknown numbers are `internal`. */
export function codeOfNumber(number: number): ErrorCode {
  return byNumber.get(number) ?? "internal";
}

/** Wraps anything thrown into a QightError; what is one already stays itself. */
export function asQightError(thrown: unknown, fallback: ErrorCode = "internal"): QightError {
  if (thrown instanceof QightError) return thrown;
  return new QightError(fallback, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}

function kind(number: number, sentence: string, exit: number, hint: string): ErrorKind {
  return { number, sentence, exit, hint };
}

const byNumber = new Map<number, ErrorCode>(
  (Object.keys(errorTable) as ErrorCode[]).map((code) => [errorTable[code].number, code]),
);
