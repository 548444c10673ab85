/** Rows of `qight key`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight key gen`. */
export const keyGenSpec = {
  name: "gen",
  summary: "make an account with this device",
  options: [
    ["--no-publish", "do not tell the relay yet"],
    ["--no-passphrase", "protect the key by file mode alone"],
    ["--force", "replace the key that is there"],
  ],
  more: ["Prints the public id: give it to those who write to you."],
  examples: ["qight key gen", "qight key gen --no-passphrase", "qight key gen --passphrase-file FILE"],
  module: "key_gen",
  encrypts: true,
} as const satisfies CommandSpec;

/** `qight key list`. */
export const keyListSpec = {
  name: "list",
  summary: "list the keys on this machine",
  module: "key_list",
} as const satisfies CommandSpec;

/** `qight key show`. */
export const keyShowSpec = {
  name: "show",
  summary: "show the public half of the key",
  module: "key_show",
} as const satisfies CommandSpec;

/** `qight key export`. */
export const keyExportSpec = {
  name: "export",
  summary: "print the secret account key, sealed like the key file",
  options: [["--with-device", "the keys of this device too: a whole copy"]],
  more: ["Two machines with the same device key would steal each other's mail: --with-device is for moving."],
  examples: ["qight key export > account.key", "qight key export --with-device > move.key"],
  module: "key_export",
} as const satisfies CommandSpec;

/** `qight key import`. */
export const keyImportSpec = {
  name: "import",
  summary: "take over an exported key",
  args: "[file]",
  options: [
    ["--no-publish", "do not tell the relay yet"],
    ["--force", "replace the key that is there"],
  ],
  more: ["Reads the file, or stdin. An export without the device makes this machine another device of the account."],
  examples: ["qight key import account.key"],
  module: "key_import",
} as const satisfies CommandSpec;

/** `qight key passwd`. */
export const keyPasswdSpec = {
  name: "passwd",
  summary: "change or remove the passphrase",
  options: [
    ["--new-passphrase-file <file>", "read the new passphrase from a file"],
    ["--no-passphrase", "protect the key by file mode alone"],
  ],
  module: "key_passwd",
} as const satisfies CommandSpec;

/** `qight key rotate`. */
export const keyRotateSpec = {
  name: "rotate",
  summary: "publish a new sealing key now",
  module: "key_rotate",
  encrypts: true,
} as const satisfies CommandSpec;

/** `qight key sign`. */
export const keySignSpec = {
  name: "sign",
  summary: "sign a file or stdin with the device key",
  args: "[file]",
  more: ["Prints the signature: base64 of device key and Ed25519 signature."],
  examples: ["qight key sign release.tar.gz > release.sig", "qight key sign - < notes.txt"],
  module: "key_sign",
} as const satisfies CommandSpec;

/** `qight key verify`. */
export const keyVerifySpec = {
  name: "verify",
  summary: "check a signature",
  args: "<who> <signature> [file]",
  more: ["SIGNATURE is what key sign printed, or @FILE that holds it. WHO's devices are asked from the relay."],
  examples: ["qight key verify qid1… @release.sig release.tar.gz"],
  module: "key_verify",
} as const satisfies CommandSpec;

/** `qight key verify-receipt`. */
export const keyVerifyReceiptSpec = {
  name: "verify-receipt",
  summary: "check a relay's receipt, and say what it proves",
  args: "<receipt>",
  more: [
    "RECEIPT is what send --json printed as receipt, @FILE that holds it, or - for stdin.",
    "The relay is not asked: its address (--relay) is enough. Exit 65 when the receipt proves nothing.",
  ],
  examples: ["qight send qid1… hello --json | jq -r .receipt > r.txt", "qight key verify-receipt @r.txt"],
  module: "key_verify_receipt",
} as const satisfies CommandSpec;

/** `qight key delete`. */
export const keyDeleteSpec = {
  name: "delete",
  summary: "delete the key and the messages of this device",
  more: ["Asks first, or takes -y. Nobody can undo it."],
  module: "key_delete",
} as const satisfies CommandSpec;

/** `qight key`. */
export const keySpec = {
  name: "key",
  summary: "make, show, move and use keys",
  commands: [
    keyGenSpec,
    keyListSpec,
    keyShowSpec,
    keyExportSpec,
    keyImportSpec,
    keyPasswdSpec,
    keyRotateSpec,
    keySignSpec,
    keyVerifySpec,
    keyVerifyReceiptSpec,
    keyDeleteSpec,
  ],
  examples: ["qight key gen", "qight key show", "qight key export > backup.key"],
} as const satisfies CommandSpec;
