/** Rows of the small commands. @module */
import { selftestSpec, uninstallSpec } from "./builds.ts";
import { configSpec } from "./config.ts";
import { doctorSpec } from "./doctor.ts";
import { manSpec } from "./generated.ts";
import type { CommandSpec } from "./spec.ts";

/** Rows of the small commands, in the order of the help. */
export const restSpecs = [
  configSpec,
  doctorSpec,
  selftestSpec,
  { name: "whoami", summary: "print the own public id", module: "whoami" },
  { name: "ping", summary: "measure a round trip to the relay", module: "ping", encrypts: true },
  {
    name: "check-key",
    summary: "show somebody's devices, as the relay knows them",
    args: "<who>",
    examples: ["qight check-key qid1…"],
    module: "check_key",
    encrypts: true,
  },
  {
    name: "health",
    summary: "exit 0 when the relay answers, 69 when not",
    more: [
      "With --relay, QIGHT_RELAY or a context: connects to that relay as a client does (QUIC or WebSocket) and asks its",
      "time. No key is needed; a relay that wants a token is healthy too.",
      "Without a relay chosen: asks the relay of this machine's data folder (--data-dir) over its admin socket.",
      "A relay that drains is not healthy.",
    ],
    examples: ["qight health --relay qight://…", "qight health --data-dir /var/lib/qight"],
    module: "health",
    encrypts: true,
  },
  manSpec,
  { name: "version", summary: "print the version", module: "version" },
  uninstallSpec,
  {
    name: "help",
    summary: "show help for a command",
    args: "[command...]",
    examples: ["qight help send"],
    module: "help",
  },
] as const satisfies readonly CommandSpec[];
