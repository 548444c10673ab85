/**
 * The sample relay.toml, made from the defaults so that it can never disagree with them.
 * @module
 */

import { defaults } from "./schema.ts";

/** What a reader should know of a key, by its dotted path; most keys need no more than their names. */
export const keyNotes: Readonly<Record<string, string>> = {
  listen: 'UDP; "[::]:4433" for the world',
  advertise: "host:port that is printed and announced",
  data_dir: "empty: $STATE_DIRECTORY, /var/lib/qight for root, $XDG_DATA_HOME/qight-relay for others",
  "tls.cert": "PEM files of your own; both empty: made on first run",
  "storage.backend": '"sqlite" or "memory" (nothing survives a restart)',
  "storage.default_ttl": "when the sender asks for none",
  "storage.max_mls": "a commit of a group with all that goes with it",
  "storage.max_queue": "messages per mailbox",
  "storage.max_queue_bytes": "bytes per mailbox",
  "auth.mode": '"open", "token", "allowlist" or "account" (names and passwords)',
  "auth.tokens_file": "more tokens, one per line: NAME TOKEN, or NAME sha256:HEX",
  "auth.allow": "account ids",
  "limits.send_per_minute": "per identity; 0 turns a limit off",
  "limits.connections_per_ip": "loopback is exempt",
  "limits.logins_per_ip_per_hour": 'tries at passwords, with auth.mode = "account"',
  "limits.open_reports_per_account": "that wait for the operator: qight relay report",
  "websocket.listen": 'the same addresses as above, over TCP, when left out; "" turns it off',
  "websocket.trusted_proxies": "whose forwarded address counts for limits",
  "http.listen": '/healthz /readyz /metrics; "" turns it off',
  "log.level": '"debug", "info", "warn" or "error"',
  "log.format": '"text" or "json"',
  "log.addresses": '"masked", "full" or "none"',
  "mdns.enabled": "announce this relay on the local network",
  "mdns.name": "for people; empty: the machine's name",
};

/** A commented relay.toml that holds every key with its default. */
export function sampleToml(): string {
  const lines = ["# relay.toml of qight. Every key is here with its default; unknown keys are errors.", ""];
  let section = "";
  for (const [path, value] of Object.entries(defaults)) {
    const [first, second] = path.split(".");
    if (second !== undefined && first !== section) {
      lines.push("", `[${first}]`);
      section = first;
    }
    const setting = `${second ?? first} = ${JSON.stringify(value)}`;
    // An empty list would turn it off: this key alone means something else when it is absent.
    const shown = path === "websocket.listen" ? '# listen = ["127.0.0.1:4433"]' : setting;
    lines.push(keyNotes[path] === undefined ? shown : `${shown.padEnd(32)} # ${keyNotes[path]}`);
  }
  return lines.join("\n") + "\n";
}
