/** Rows of the commands that look after a build: whether it works, and how it goes away. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight selftest`. */
export const selftestSpec = {
  name: "selftest",
  summary: "check that this build works on this machine",
  more: [
    "A line for each part: the encrypted store, the database thread, QUIC, WebSocket, X-Wing, names, and a start of itself.",
    "Needs no relay, no key and no network, and leaves nothing behind. Exit 70 when a part does not work.",
    "With --json one object: ok, and checks with name, state, message and hint.",
  ],
  examples: ["qight selftest", "qight selftest --json"],
  module: "selftest",
  config: "unread",
} as const satisfies CommandSpec;
