/** Rows of the commands that look after a build: whether it works, and how it goes away. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight selftest`. */
export const selftestSpec = {
  name: "selftest",
  summary: "check that this build works on this machine",
  more: [
    "A line for each part: the encrypted store, the database thread, QUIC, WebSocket, X-Wing, a group, names, a new start.",
    "Needs no relay, no key and no network, and leaves nothing behind. Exit 70 when a part does not work.",
    "With --json one object: ok, and checks with name, state, message and hint.",
  ],
  examples: ["qight selftest", "qight selftest --json"],
  module: "selftest",
  config: "unread",
} as const satisfies CommandSpec;

/** `qight uninstall`. */
export const uninstallSpec = {
  name: "uninstall",
  summary: "list or remove what qight keeps on this machine",
  options: [
    ["--dry-run", "list it and remove nothing"],
    ["--data", "keys, messages and settings of this user too"],
    ["--relay-data", "the data of this user's relay too"],
  ],
  more: [
    "Wants --dry-run or -y. Without another option that is the cache alone: unpacked versions and compiled code.",
    "Keys that are removed are gone: qight key export comes first. A folder that is a link, another user's, in use, or holds",
    "other files is not touched, and then nothing is. The file itself stays; the last line says how it goes.",
  ],
  examples: ["qight uninstall --dry-run --data", "qight uninstall -y && rm qight"],
  module: "uninstall",
  config: "unread",
} as const satisfies CommandSpec;
