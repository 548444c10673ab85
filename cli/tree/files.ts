/** Files that qight reads and writes. @module */

/** Paths and what is there, in the order of the pages. */
export const files: readonly (readonly [path: string, text: string])[] = [
  ["$XDG_CONFIG_HOME/qight/config.toml", "settings and contexts; qight config path prints where it is"],
  ["/etc/qight/config.toml", "the same for all users of the machine"],
  ["$XDG_DATA_HOME/qight/identity.key", "the secret key, mode 0600; identity.key.pub is its public half"],
  [
    "$XDG_DATA_HOME/qight/stores/",
    "messages, contacts and what is still to be sent, encrypted, one file for each device",
  ],
  ["$XDG_STATE_HOME/qight/", "what may be lost, such as the context before this one"],
  ["$XDG_CACHE_HOME/qight/", "the unpacked one file and compiled code; may be removed at any time"],
  ["$XDG_DATA_HOME/qight-relay/", "a relay's data folder; /var/lib/qight for root"],
  ["relay.toml", "in the relay's data folder, else /etc/qight/relay.toml: its configuration"],
  ["root.key", "in the relay's data folder, mode 0600: what the address names"],
  ["relay.db", "in the relay's data folder: its database"],
];
