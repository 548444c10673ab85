/** Row of `qight doctor`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight doctor`. */
export const doctorSpec = {
  name: "doctor",
  summary: "check this machine and the relay, and say what to do",
  more: [
    "A line for each check: ok, warn or fail. Needs neither a key nor a relay, and changes nothing.",
    "Exit 0 when nothing failed; else the code of the first failure: 69 when the relay cannot be reached, 76 when another",
    "one is there, 78 for configuration, file modes and Deno's version, 74 for store and disk, 65 for the clock.",
    "With --json one object: ok, and checks with name, state, message and hint.",
  ],
  examples: ["qight doctor", "qight doctor --json | jq '.checks[] | select(.state != \"ok\")'"],
  module: "doctor",
  encrypts: true,
  config: "unread",
} as const satisfies CommandSpec;
