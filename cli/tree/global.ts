/** Options that every command takes, before or after its name. @module */
import type { OptionSpec } from "./spec.ts";

/** Rows of the global options. */
export const globalOptions = [
  ["--relay <addr>", "relay to use, qight://ROOT@host:port"],
  ["--context <name>", "named set of settings from config.toml"],
  ["--identity <file>", "key file to act as"],
  ["-c, --config <file>", "config.toml (relay.toml for qight relay)"],
  ["--data-dir <dir>", "folder of keys and messages (of the relay for qight relay)"],
  ["--passphrase-file <file>", "read the passphrase from a file, - is stdin"],
  ["--token-file <file>", "read the relay's access token from a file"],
  ["--timeout <duration>", "longest wait for one call (default 10s)"],
  ["--json", "print JSON, one object a line"],
  ["-q, --quiet", "no remarks on stderr"],
  ["-v, --verbose", "more remarks; repeat for more"],
  ["--debug", "show stacks of errors"],
  ["--log-format <format>", "text or json"],
  ["--no-input", "never ask on the terminal"],
  ["-y, --yes", "answer every question with yes"],
  ["-h, --help", "show help"],
  ["-V, --version", "show the version"],
] as const satisfies readonly OptionSpec[];
