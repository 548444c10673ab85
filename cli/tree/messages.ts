/** Rows of the commands that carry messages. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight send`. */
export const sendSpec = {
  name: "send",
  aliases: ["pub"],
  summary: "send a message",
  args: "<to> [message]",
  options: [
    ["--lines", "send every line of stdin as one message"],
    ["-f, --file <path...>", "attach a file of up to 50 MiB; repeat for more"],
    ["--ttl <duration>", "drop it when unread for that long (default and longest: the relay's)"],
    ["--reply-to <id>", "the message that this one answers"],
    ["--queue", "keep it on disk when the relay is away; later commands send it"],
    ["--id <id>", "32 hex digits; repeating an id sends the same bytes again"],
    ["--wait", "until a device of the recipient has it (they tell their contacts)"],
    ["--sealed", "one envelope outside of the conversation: for cloned or restored machines"],
    ["--plaintext", "readable by the relay and unauthenticated content; said out loud on purpose"],
  ],
  more: [
    "TO is a contact, a public id (qid1… or 64 hex digits) or #NAME of a group. MESSAGE, files, or text on stdin; - is stdin.",
    "It goes into the conversation with that person, which begins when there is none; to who cannot be in one yet, sealed.",
    "A MESSAGE that begins with - goes after --.",
    "A file too large for a message goes to the relay by itself, encrypted; repeating a broken send goes on where it stopped.",
    "Prints the message id once the relay has it on disk; with --json the relay's signed receipt too.",
  ],
  examples: [
    'echo "disk full on web-3" | qight send qid1…',
    "tail -F app.log | qight send qid1… --lines",
    "qight send qid1… -f report.pdf --ttl 2d",
  ],
  module: "send",
  encrypts: true,
} as const satisfies CommandSpec;

/** `qight fetch`. */
export const fetchSpec = {
  name: "fetch",
  aliases: ["recv"],
  summary: "read messages",
  args: "[command...]",
  shownArgs: "",
  options: [
    ["--follow", "go on until interrupted, or until another fetch of this mailbox begins"],
    ["--wait <duration>", "wait that long for the first message"],
    ["--idle <duration>", "end when nothing came for that long (with --follow)"],
    ["--max <n>", "end after that many messages"],
    ["--from <who>", "only messages of this contact or public id; others stay"],
    ["--in <where>", "only what was said there: #NAME of a group, or the conversation with a contact or id"],
    ["--peek", "look without acknowledging; the messages come again"],
    ["--events", "print gaps, expired ranges and other events on stdout too"],
    [
      "--save-dir <dir>",
      "write attached files there; without it small ones need --json, large ones wait for qight file",
    ],
    ["--null", "print bodies alone, each ended by NUL"],
    ["--fail-empty", "exit 66 when there was nothing"],
    ["--exec", "run the command after -- for each message, body on its stdin"],
    ["--jobs <n>", "with --exec: run up to so many commands at once (default 1, at most 64)"],
  ],
  more: [
    "Messages are acknowledged once they are written to stdout (or --exec exited 0); until then they come again.",
    "A message whose files would be lost (no --save-dir, no --json; with --exec no --save-dir) is not acknowledged.",
    "A mailbox has one reader at a time: the newest fetch takes over and ends an older --follow (exit 75). --peek does not.",
    "The command of --exec gets QIGHT_ID, QIGHT_FROM, QIGHT_TO, QIGHT_IN (#NAME of a group, or the other side's id), QIGHT_VIA",
    "(mls, sealed or plain), QIGHT_SEQ, QIGHT_SENT_AT, QIGHT_FILES (what --save-dir saved, one path a line), and",
    "QIGHT_FROM_NAME: the sender's contact name, empty for a stranger. One that exits other than 0 ends fetch with 74 and",
    "its message comes again.",
  ],
  examples: [
    "qight fetch --wait 30s",
    "qight fetch --follow --json | jq .text",
    "qight fetch --follow --exec -- ./on-message.sh",
  ],
  module: "fetch",
  encrypts: true,
} as const satisfies CommandSpec;
