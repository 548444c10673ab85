/** Rows of `qight config`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight config show`. */
export const configShowSpec = {
  name: "show",
  summary: "show the settings in force",
  options: [["--origin", "say where each value comes from: flag, variable, file and line"]],
  more: ["Flags win over the environment, that over config.toml, that over a config.toml for all users in /etc/qight."],
  examples: ["qight config show --origin", "qight config show --json | jq -r .relay"],
  module: "config_show",
} as const satisfies CommandSpec;

/** `qight config` and what is below it. */
export const configSpec = {
  name: "config",
  summary: "settings",
  commands: [
    { name: "path", summary: "print where config.toml is", module: "config_path", config: "unread" },
    configShowSpec,
    { name: "check", summary: "check config.toml", module: "config_check" },
    {
      name: "schema",
      summary: "print the JSON Schema of config.toml, or of relay.toml",
      args: "[relay]",
      more: ["Editors complete and check the file with it."],
      examples: ["qight config schema > config.schema.json", "qight config schema relay > relay.schema.json"],
      module: "config_schema",
      config: "unread",
    },
  ],
  examples: ["qight config show --origin", "qight config check"],
} as const satisfies CommandSpec;
