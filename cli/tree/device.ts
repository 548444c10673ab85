/** Rows of `qight device`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight device link`. */
export const deviceLinkSpec = {
  name: "link",
  summary: "bring this machine into an account, or let another one in",
  args: "[code...]",
  shownArgs: "[CODE|-]",
  options: [
    ["--qr", "the code as a QR code too"],
    ["--name <name>", "what this machine is called in the account (default device)"],
    ["--no-history", "with CODE: do not send the history"],
    ["--no-passphrase", "a key that is made is protected by file mode alone"],
  ],
  more: [
    "On the new machine, without CODE: prints a code and waits up to 10 minutes. On one that has the account: qight device",
    "link CODE shows both devices and asks, or takes -y. Compare the fingerprint that it shows with the one on the new",
    "machine. CODE is twelve words or a link; - asks for it on a terminal, else it is read from stdin. It works once.",
    "A machine that had another account keeps it as retired: mail on its way can be read, nothing is written as it.",
  ],
  examples: ["qight device link", "qight device link -", "qight device link --json | jq -r .code"],
  module: "device_link",
  encrypts: true,
} as const satisfies CommandSpec;

/** `qight device revoke`. */
export const deviceRevokeSpec = {
  name: "revoke",
  summary: "take a device off the account, for good",
  args: "<device>",
  more: [
    "DEVICE is a name or a fingerprint, or how one of them begins. At an honest relay it may do nothing more from that",
    "moment: its mail there is dropped, its sessions end, and it leaves all conversations. What it has on its disk it keeps.",
    "It comes back by qight device link alone.",
  ],
  examples: ["qight device revoke phone", "qight device revoke SHA256:Rz1x -y"],
  module: "device_revoke",
  encrypts: true,
} as const satisfies CommandSpec;

/** `qight device` and what is below it. */
export const deviceSpec = {
  name: "device",
  summary: "the devices of your account",
  commands: [
    deviceLinkSpec,
    {
      name: "list",
      summary: "list the devices of your account",
      examples: ["qight device list", "qight device list --json | jq -r .id"],
      module: "device_list",
      encrypts: true,
    },
    {
      name: "rename",
      summary: "call a device otherwise; contacts see the name",
      args: "<device> <name>",
      examples: ["qight device rename device laptop"],
      module: "device_rename",
      encrypts: true,
    },
    deviceRevokeSpec,
  ],
  examples: ["qight device link      # on the new machine", "qight device link CODE # on the old one"],
} as const satisfies CommandSpec;
