/** Rows of `qight relay report`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight relay report`. */
export const relayReportSpec = {
  name: "report",
  summary: "messages that people showed to you",
  commands: [
    { name: "list", summary: "list the reports", module: "relay_report_list" },
    {
      name: "show",
      summary: "what was sent, as its sender signed it",
      args: "<report>",
      examples: ["qight relay report show 1f0c2a9e"],
      module: "relay_report_show",
    },
    {
      name: "delete",
      summary: "be done with a report",
      args: "<report>",
      examples: ["qight relay report delete 1f0c2a9e"],
      module: "relay_report_delete",
    },
  ],
  examples: ["qight relay report list", "qight relay report show 1f0c2a9e"],
} as const satisfies CommandSpec;
