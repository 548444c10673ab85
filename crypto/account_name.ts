/**
 * Names of accounts at a relay: which there may be, and which are too alike for both to be (docs/decisions/0008).
 * ASCII alone, so that no two different characters look the same but the few that the skeleton makes one.
 * @module
 */
import { QightError } from "../proto/errors.ts";

/** Fewest and most characters of a name. */
const NAME_LENGTH = { min: 3, max: 32 } as const;

/** Names that sound like the operator or like a word of the commands, and beginnings of other things. */
const RESERVED: readonly string[] = [
  ...["admin", "root", "relay", "operator", "postmaster", "abuse", "security", "support", "help", "qight", "system"],
  ...["me", "self", "all", "everyone"],
];
const RESERVED_BEGINNINGS: readonly string[] = ["qid1", "qight"];

const HINT =
  `A name has ${NAME_LENGTH.min} to ${NAME_LENGTH.max} of a-z 0-9 . _ -, begins with a letter, ends with a ` +
  "letter or digit, and has no two of . _ - in a row.";

/** The name as relays know it: in lower case. Throws `bad_name` when nobody can have it, reserved ones too. */
export function foldName(written: string): string {
  const folded = readName(written);
  if (isReserved(folded)) {
    throw new QightError("bad_name", `The name ${folded} is reserved`, { hint: "Choose another." });
  }
  return folded;
}

/** Like `foldName`, for looking up: what is reserved is a name that nobody has. */
export function readName(written: string): string {
  // Only ASCII letters change: toLowerCase would make a "k" of the Kelvin sign.
  const folded = written.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const { min, max } = NAME_LENGTH;
  const fits = folded.length >= min && folded.length <= max && /^[a-z](?:[._-]?[a-z0-9])*$/.test(folded);
  if (!fits) throw new QightError("bad_name", "This cannot be the name of an account", { hint: HINT });
  return folded;
}

/** What two names that look alike have in common; a relay gives each skeleton to one account. Takes a folded name. */
export function nameSkeleton(folded: string): string {
  return folded.replace(/[._-]/g, "").replaceAll("0", "o").replaceAll("1", "l").replaceAll("m", "rn")
    .replaceAll("w", "vv");
}

function isReserved(folded: string): boolean {
  const skeleton = nameSkeleton(folded);
  return RESERVED.some((name) => nameSkeleton(name) === skeleton) ||
    RESERVED_BEGINNINGS.some((beginning) => skeleton.startsWith(nameSkeleton(beginning)));
}
