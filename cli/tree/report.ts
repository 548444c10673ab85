/** Rows of `qight report`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight report`. */
export const reportSpec = {
  name: "report",
  summary: "show messages of others to whoever runs the relay",
  args: "<message-id...>",
  options: [["--reason <text>", "what is wrong with them; at most 1,000 bytes"]],
  more: [
    "Whoever runs the relay cannot read messages. A report shows them these ones, with the proof that they were sent so:",
    "nobody can report what was not said. Later changes of the words go along. Shows all of it first, and asks.",
    "What was read here can be reported for 7 days. The ids are in qight history --json and fetch --json.",
    "Prints the number of the report; there is one for each sender.",
  ],
  examples: [
    'qight report 019b76daa80070008000000000000000 --reason "threatens me"',
    "qight contact block mallory",
  ],
  module: "report",
  encrypts: true,
} as const satisfies CommandSpec;
