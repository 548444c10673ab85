/** Rows of the commands that print what is made from this tree. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight completion`. */
export const completionSpec = {
  name: "completion",
  summary: "print the script that completes qight in a shell",
  args: "[shell]",
  shownArgs: "bash|zsh|fish",
  // For the scripts themselves: an option without a text is not shown.
  options: [["--words <list>", ""]],
  more: [
    "bash: source <(qight completion bash) in ~/.bashrc.",
    "zsh: source <(qight completion zsh) in ~/.zshrc, after compinit.",
    "fish: qight completion fish > ~/.config/fish/completions/qight.fish.",
    "Names of contacts are completed as long as the key can be opened without asking for a passphrase.",
  ],
  examples: ["source <(qight completion bash)", "qight completion fish | source"],
  module: "completion",
  // A mistake in config.toml must not be told by every new shell.
  config: "unread",
} as const satisfies CommandSpec;

/** `qight man`. */
export const manSpec = {
  name: "man",
  summary: "show a page of the manual",
  args: "[page]",
  more: [
    "PAGE is a command; without it the page of qight itself. On a terminal the page is shown by man(1), elsewhere its",
    "source is printed.",
  ],
  examples: ["qight man", "qight man send", "qight man send > qight-send.1"],
  module: "man",
  config: "unread",
  signals: "own",
} as const satisfies CommandSpec;
