/** Rows of `qight account`. @module */
import type { CommandSpec } from "./spec.ts";

const passwordFile = ["--password-file <file>", "read the password from a file, - is stdin"] as const;
const codesFile = ["--codes-file <file>", "write the recovery codes into a new file"] as const;
const noPassphrase = ["--no-passphrase", "a key that is made is protected by file mode alone"] as const;

/** `qight account register`. */
export const accountRegisterSpec = {
  name: "register",
  summary: "take a name at a relay, with a password",
  args: "<name>",
  options: [passwordFile, codesFile, noPassphrase],
  more: [
    "Makes a key when there is none. Prints eight recovery codes, once, one a line: each lets you in again when all",
    "devices are lost. NAME has 3 to 32 of a-z 0-9 . _ -. The password never leaves this machine.",
  ],
  examples: ["qight account register ada", "qight account register ada --codes-file codes.txt"],
  module: "account_register",
  encrypts: true,
} as const satisfies CommandSpec;

/** `qight account login`. */
export const accountLoginSpec = {
  name: "login",
  summary: "sign this device in",
  args: "<name>",
  options: [passwordFile],
  more: ["For a device that the account lists. Another one comes in by qight device link or qight account recover."],
  examples: ["qight account login ada"],
  module: "account_login",
} as const satisfies CommandSpec;

/** `qight account passwd`. */
export const accountPasswdSpec = {
  name: "passwd",
  summary: "change the password",
  options: [passwordFile, ["--new-password-file <file>", "read the new password from a file"]],
  more: ["Asks for the present one. All other devices have to sign in again."],
  examples: ["qight account passwd"],
  module: "account_passwd",
} as const satisfies CommandSpec;

/** `qight account recover`. */
export const accountRecoverSpec = {
  name: "recover",
  summary: "come back in with a recovery code",
  args: "<name>",
  shownArgs: "NAME|ID",
  options: [
    ["--code-file <file>", "read the code from a file, - is stdin"],
    passwordFile,
    codesFile,
    ["--revoke-others", "take all other devices off the list"],
    noPassphrase,
  ],
  more: [
    "Makes this machine's device one of the account's; says what comes back and asks first, or takes -y. The first code in",
    "the file is used. All eight codes are replaced, and the new ones printed. Works at every relay; where there are names",
    "it sets a new password too.",
  ],
  examples: ["qight account recover ada", "qight account recover qid1… --revoke-others"],
  module: "account_recover",
  encrypts: true,
} as const satisfies CommandSpec;

/** `qight account codes`. */
export const accountCodesSpec = {
  name: "codes",
  summary: "make new recovery codes, at any relay",
  options: [codesFile],
  more: [
    "They bring back the account with its contacts and groups, which your devices keep fresh at the relay, sealed. The old",
    "codes end.",
  ],
  examples: ["qight account codes", "qight account codes --codes-file codes.txt"],
  module: "account_codes",
} as const satisfies CommandSpec;

/** `qight account` and what is below it. */
export const accountSpec = {
  name: "account",
  summary: "a name at a relay, recovery codes, deletion",
  commands: [
    accountRegisterSpec,
    accountLoginSpec,
    {
      name: "logout",
      summary: "sign this device out; key and messages stay",
      module: "account_logout",
    },
    {
      name: "show",
      summary: "show name, id, devices and recovery codes left",
      examples: ["qight account show", "qight account show --json"],
      module: "account_show",
    },
    accountPasswdSpec,
    accountRecoverSpec,
    accountCodesSpec,
    {
      name: "delete",
      summary: "delete the account at the relay, for ever",
      more: ["Asks for its name or id first, or takes -y. Nobody can undo it."],
      module: "account_delete",
    },
  ],
  examples: ["qight account register ada", "qight account codes", "qight account recover ada"],
} as const satisfies CommandSpec;
