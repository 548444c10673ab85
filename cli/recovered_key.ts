/** The key file of a machine whose device comes into a recovered account. @module */
import { equal } from "../crypto/equal.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { type Identity, identityFrom, saveIdentity } from "./identity.ts";
import type { OwnKey } from "./own_key.ts";

/** The same device with the recovered account; the account that it had is kept as retired, unless nobody knew it yet. */
export async function recoveredIdentity({ identity, isNew }: OwnKey, accountSeed: Uint8Array): Promise<Identity> {
  const { secrets, path, passphrase } = identity;
  if (equal(secrets.accountSeed, accountSeed)) return identity;
  const before = secrets.retired ?? [];
  const retired = isNew ? before : [...before, secrets.accountSeed];
  return await identityFrom({ ...secrets, accountSeed, ...(retired.length > 0 ? { retired } : {}) }, path, passphrase);
}

/**
 * Writes the key file before the relay is asked, and puts the former one back when it refuses: whatever is cut off in
 * between, the file has the account, and running the command again is no harm. `unknown` says what is then not known.
 */
export async function savedBefore<T>(
  present: OwnKey,
  next: Identity,
  work: (save: () => Promise<void>) => Promise<T>,
  unknown: Unknown = USED_UP,
): Promise<T> {
  let saved = false;
  try {
    return await work(async () => {
      await saveIdentity(next, { overwrite: !present.isNew, now: Date.now() });
      saved = true;
    });
  } catch (thrown) {
    const error = asQightError(thrown);
    // Only an answer of the relay says for certain that nothing has changed there.
    if (saved && error.requestId !== undefined) await putBack(present);
    else if (saved) throw unknownOutcome(error, unknown);
    throw thrown;
  }
}

async function putBack({ identity, isNew }: OwnKey): Promise<void> {
  if (!isNew) return await saveIdentity(identity, { overwrite: true, now: Date.now() });
  for (const path of [identity.path, `${identity.path}.pub`]) await Deno.remove(path);
}

/** What nobody knows when the relay gave no answer, and what to do about it. */
export interface Unknown {
  readonly what: string;
  readonly hint: string;
}

const USED_UP: Unknown = {
  what: "whether the code was used up",
  hint: "This machine has the account's key now: qight account codes makes new codes if it is in, else recover again.",
};

function unknownOutcome(cause: QightError, { what, hint }: Unknown): QightError {
  return new QightError(cause.code, `${cause.message}; ${what} is unknown`, { cause, hint });
}
