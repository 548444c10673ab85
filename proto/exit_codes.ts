/** What the exit codes mean, for the pages that list them; each error of the table has one. @module */

/** When a command ends with which exit code (sysexits, and 128 + signal). */
export const exitCodes: readonly (readonly [number, string])[] = [
  [0, "Done; also a `fetch` that found nothing, and a relay that SIGTERM drained."],
  [1, "Unexpected error: a bug."],
  [64, "Wrong usage."],
  [65, "Bad data: signature, envelope, size, time, reused id; a used or expired invite."],
  [66, "An input file cannot be read; no key; nothing to fetch with `--fail-empty`."],
  [67, "No such recipient."],
  [69, "The relay cannot be reached (no session was ever made), or is not healthy."],
  [70, "An internal invariant is broken."],
  [73, "A file cannot be created, or is not overwritten."],
  [74, "I/O error, damaged database, or `--exec` failed."],
  [75, "Try again later."],
  [76, "Another protocol, or not the relay that the address names."],
  [77, "Not allowed; wrong passphrase or token; a changed key."],
  [78, "Configuration error. A service manager should not restart after it."],
  [124, "`--timeout` ran out after a session was made."],
  [130, "A client command ended by SIGINT before it was finished."],
  [143, "A client command ended by SIGTERM before it was finished."],
];
