/** The fifty things that people of the command line expect, and which of them may wait for a later step. @module */

/** A row: what is expected, and for which step it (or a part of it) may wait. */
export interface Expectation {
  readonly text: string;
  /** The step; everything waits unless `part` says what does. */
  readonly waitsFor?: string;
  readonly part?: string;
}

const daemon = "the daemon";

/** All rows by their number, from 1. */
export const expectations: readonly Expectation[] = [
  { text: "No arguments, `-h`, `--help` and `help X` all print help with examples and exit 0" },
  { text: "Data goes to stdout; progress, questions and remarks go to stderr" },
  { text: "`--json` may stand before or after the subcommand" },
  { text: "A stream is one JSON object a line, a single result one object" },
  { text: "`--null` ends records with NUL, so that bodies with newlines stay whole" },
  { text: "Characters that steer a terminal are shown in text and kept in JSON" },
  { text: "Exit codes are distinct and documented" },
  { text: "A wait has an end and a count: `--wait`, `--max`, `--follow`, `--fail-empty`" },
  { text: "A message comes from the argument, stdin or a file; `-` is stdin" },
  { text: "`echo hi | qight send bob` works; an empty stdin neither hangs nor sends" },
  { text: "A command runs for each message: fields in its environment, body on stdin, no shell between" },
  { text: "No option takes a secret as its value" },
  { text: "No variable takes a secret; files do" },
  { text: "systemd credentials are found without being named" },
  { text: "The key file is private and never overwritten unasked; a readable copy is warned of" },
  { text: "Keys have typed prefixes; `key gen` prints one public line" },
  { text: "A passphrase is asked for twice; an empty one is refused; none needs to be said" },
  { text: "People compare 60 digits, the same on both ends in any order" },
  { text: "The relay's address carries its key; another key gets nothing; certificates may change" },
  { text: "The first key of a peer is pinned, a changed one blocks until it is verified" },
  { text: "Invites serve once, expire, and come as words, link and QR code" },
  { text: "The receiver's command is printed ready to paste" },
  { text: "Named contexts; `context use -` goes back to the one before" },
  { text: "Flags win over variables, these over the user's file, that over the system's, that over what is built in" },
  { text: "Folders follow XDG, and the habits of macOS and Windows" },
  { text: "No colour and nothing that moves with NO_COLOR, TERM=dumb or off a terminal" },
  { text: "An unknown key or a wrong file name is an error that names the near one" },
  { text: "Every error of reading and writing names the path" },
  { text: "A container runs at once on an empty volume" },
  { text: "`config check` only checks; SIGHUP reads again and keeps sessions" },
  { text: "SIGTERM drains, a second SIGINT ends at once, SIGINT is 130" },
  { text: "Health and metrics listen on loopback unless told otherwise" },
  { text: "`qight health` is a health check for containers" },
  { text: "The UDP port is named with /udp; a small receive buffer is warned of with the sysctl line" },
  { text: "Metrics are named by the rules, and no label names a person, key or address" },
  { text: "A compose file brings Prometheus and Grafana with a dashboard" },
  { text: "The systemd unit is hardened" },
  { text: "OpenWrt packages with procd and UCI" },
  { text: "The image runs without root and keeps its data in a volume" },
  { text: "Releases have archives, checksums, a signature and an uninstall line" },
  { text: "The binary prints its completion scripts and man pages" },
  { text: "JSON-RPC over stdio, a socket and local HTTP", waitsFor: daemon },
  { text: "No D-Bus is needed", waitsFor: daemon },
  { text: "The chat's line has the keys of readline, a history and TAB" },
  { text: "`/help`, `@name text`, plain text to the last peer, `//` for a slash; an unknown command never sends" },
  { text: "A line that comes in leaves the one being typed as it is" },
  { text: "A pipe that closes early is no error" },
  { text: "Long work shows a bar, rate and time left; off a terminal a line now and then" },
  { text: "Errors say what, why and what to do; a stack only with `--debug`" },
  { text: "`-v` is verbosity, `-V` version, `-q` quiet, `-y` yes; `--no-input` never asks" },
];
