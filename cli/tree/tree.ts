/** The whole command tree as data. @module */
import { accountSpec } from "./account.ts";
import { contactSpec } from "./contact.ts";
import { contextSpec } from "./context.ts";
import { deviceSpec } from "./device.ts";
import { fileSpec } from "./file.ts";
import { completionSpec } from "./generated.ts";
import { discoverSpec } from "./discover.ts";
import { inviteSpec } from "./invite.ts";
import { keySpec } from "./key.ts";
import { groupSpec } from "./group.ts";
import { historySpec, transcriptSpec } from "./history.ts";
import { fetchSpec, sendSpec } from "./messages.ts";
import { relaySpec } from "./relay.ts";
import { replSpec } from "./repl.ts";
import { reportSpec } from "./report.ts";
import { restSpecs } from "./rest.ts";
import type { CommandSpec } from "./spec.ts";

/** The root: `qight` itself. */
export const tree: CommandSpec = {
  name: "qight",
  summary: "signed, end-to-end encrypted messages through a relay you run yourself",
  commands: [
    relaySpec,
    keySpec,
    sendSpec,
    fetchSpec,
    replSpec,
    historySpec,
    fileSpec,
    transcriptSpec,
    contactSpec,
    inviteSpec,
    groupSpec,
    reportSpec,
    accountSpec,
    deviceSpec,
    completionSpec,
    discoverSpec,
    contextSpec,
    ...restSpecs,
  ],
  examples: [
    "qight relay       # prints qight://…, the line to share",
    "qight key gen     # prints your id, qid1…",
    'echo "disk full on web-3" | qight send qid1… && qight fetch --wait 30s',
  ],
};

/** The command with that name or alias directly under another. */
export function childOf(parent: CommandSpec, name: string): CommandSpec | undefined {
  return parent.commands?.find((child) => child.name === name || child.aliases?.includes(name));
}
