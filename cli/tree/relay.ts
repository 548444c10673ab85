/** Rows of `qight relay`. @module */
import { relayAccountSpec } from "./relay_account.ts";
import { relayReportSpec } from "./relay_report.ts";
import type { CommandSpec } from "./spec.ts";

/** `qight relay init`. */
export const relayInitSpec = {
  name: "init",
  summary: "write relay.toml, root key and certificate, print the address",
  options: [
    ["--name <host>", "host or host:port that clients reach it by"],
    ["--qr", "show the address as a QR code too"],
    ["--force", "replace relay.toml (never the root key)"],
  ],
  examples: ["qight relay init --name mail.example.org"],
  module: "relay_init",
} as const satisfies CommandSpec;

/** `qight relay status`. */
export const relayStatusSpec = {
  name: "status",
  summary: "what the running relay does",
  module: "relay_status",
} as const satisfies CommandSpec;

/** `qight relay clients`. */
export const relayClientsSpec = {
  name: "clients",
  summary: "who is connected",
  module: "relay_clients",
} as const satisfies CommandSpec;

/** `qight relay reload`. */
export const relayReloadSpec = {
  name: "reload",
  summary: "read relay.toml again; what is wrong in it is said",
  module: "relay_reload",
} as const satisfies CommandSpec;

/** `qight relay drain`. */
export const relayDrainSpec = {
  name: "drain",
  summary: "finish what is under way, then stop",
  module: "relay_drain",
} as const satisfies CommandSpec;

/** `qight relay backup`. */
export const relayBackupSpec = {
  name: "backup",
  summary: "write a consistent copy of database and root key",
  args: "<path>",
  options: [["--plain", "not sealed by a passphrase, mode 0600"]],
  examples: ["qight relay backup --passphrase-file FILE relay.backup"],
  module: "relay_backup",
} as const satisfies CommandSpec;

/** `qight relay restore`. */
export const relayRestoreSpec = {
  name: "restore",
  summary: "bring a backup back, verified before anything is touched",
  args: "<path>",
  options: [["--force", "move an older database aside"]],
  examples: ["qight relay restore --passphrase-file FILE --data-dir DIR relay.backup"],
  module: "relay_restore",
} as const satisfies CommandSpec;

/** `qight relay salvage`. */
export const relaySalvageSpec = {
  name: "salvage",
  summary: "copy what can still be read out of a damaged data folder",
  options: [["--out <dir>", "a new folder for it"]],
  more: [
    "The damaged folder is only read. Everything signed is verified. Ends with 74 when something is lost;",
    "the new folder is there all the same. -v shows progress.",
  ],
  examples: ["qight relay salvage --data-dir DAMAGED --out NEW", "qight relay --data-dir NEW"],
  module: "relay_salvage",
} as const satisfies CommandSpec;

/** `qight relay token add`. */
export const relayTokenAddSpec = {
  name: "add",
  summary: "make an access token and print it once",
  options: [["--name <name>", "what it is for"], ["--ttl <duration>", "how long it is good"]],
  examples: ["qight relay token add --name web-3 --ttl 90d"],
  module: "relay_token_add",
} as const satisfies CommandSpec;

/** `qight relay`. */
export const relaySpec = {
  name: "relay",
  summary: "run a relay",
  options: [
    ["--listen <addr...>", 'address to listen on (default 127.0.0.1:4433; "[::]:4433" for the world); repeat for more'],
    ["--allow-open", "let everybody use a relay that listens publicly"],
    ["--mdns", "announce it on the local network, for qight discover"],
  ],
  commands: [
    relayInitSpec,
    relayStatusSpec,
    relayClientsSpec,
    relayReloadSpec,
    relayDrainSpec,
    relayBackupSpec,
    relayRestoreSpec,
    relaySalvageSpec,
    {
      name: "token",
      summary: "access tokens",
      commands: [
        relayTokenAddSpec,
        { name: "list", summary: "list the tokens", module: "relay_token_list" },
        {
          name: "revoke",
          summary: "end a token",
          args: "<id>",
          examples: ["qight relay token revoke web-3"],
          module: "relay_token_revoke",
        },
      ],
      examples: ["qight relay token add --name web-3", "qight relay token list"],
    },
    {
      name: "allow",
      summary: "the allow list",
      commands: [
        {
          name: "add",
          summary: "let an account in",
          args: "<id>",
          examples: ["qight relay allow add qid1…"],
          module: "relay_allow_add",
        },
        { name: "list", summary: "list who may come in", module: "relay_allow_list" },
        {
          name: "remove",
          summary: "take an account off the list",
          args: "<id>",
          examples: ["qight relay allow remove qid1…"],
          module: "relay_allow_remove",
        },
      ],
      examples: ["qight relay allow add qid1…", "qight relay allow list"],
    },
    relayAccountSpec,
    relayReportSpec,
  ],
  more: [
    "Prints the address to share and where its data is. SIGTERM drains and ends it, SIGHUP reads relay.toml again.",
  ],
  examples: ["qight relay", 'qight relay --listen "[::]:4433"', "qight relay status"],
  module: "relay",
  // SIGTERM drains it, SIGHUP reads relay.toml again.
  signals: "own",
} as const satisfies CommandSpec;
