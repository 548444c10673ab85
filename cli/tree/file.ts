/** Rows of `qight file`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight file get`. */
export const fileGetSpec = {
  name: "get",
  summary: "write a file to disk, going on where an earlier try stopped",
  args: "<number>",
  options: [["-o, --output <path>", "where to; save_dir of config.toml under its own name unless given"]],
  more: ["Nothing is overwritten. What has come so far lies beside its place, in a file that ends in .part."],
  examples: ["qight file get 3", "qight file get 3 -o report.pdf"],
  module: "file_get",
  encrypts: true,
} as const satisfies CommandSpec;

/** `qight file` and what is below it. */
export const fileSpec = {
  name: "file",
  summary: "files that came with messages",
  commands: [
    { name: "list", summary: "list the files that were not saved yet", module: "file_list" },
    fileGetSpec,
    { name: "purge", summary: "forget all files that were not saved", module: "file_purge" },
  ],
  examples: ["qight file list", "qight file get 3 -o report.pdf"],
} as const satisfies CommandSpec;
