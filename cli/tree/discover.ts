/** Row of `qight discover`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight discover`. */
export const discoverSpec = {
  name: "discover",
  summary: "find relays on this network",
  options: [["--wait <duration>", "how long to listen (default 3s)"]],
  more: [
    "Lists the relays that announce themselves by mDNS (qight relay --mdns), each with its address to paste. Anybody on the",
    "network can announce anything: compare the part before the @ with what the relay's operator gave you. Whoever does not",
    "hold that key gets nothing from you (exit 76).",
  ],
  examples: ["qight discover", "qight discover --wait 10s --json"],
  module: "discover",
} as const satisfies CommandSpec;
