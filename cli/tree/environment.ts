/** Environment variables that qight reads, and those that it sets for a command it runs. @module */

/** Names and what they are for, in the order of the pages. Set but empty counts as unset, except for QIGHT_CFG__. */
export const environment: readonly (readonly [name: string, text: string])[] = [
  ["QIGHT_RELAY", "relay to use, as --relay"],
  ["QIGHT_CONTEXT", "named set of settings, as --context"],
  ["QIGHT_IDENTITY", "key file to act as, as --identity"],
  ["QIGHT_CONFIG", "config.toml, as --config"],
  ["QIGHT_DATA_DIR", "folder of keys and messages, as --data-dir"],
  ["QIGHT_PASSPHRASE_FILE", "file with the passphrase, as --passphrase-file"],
  ["QIGHT_TOKEN_FILE", "file with the relay's access token, as --token-file"],
  ["QIGHT_TIMEOUT", "longest wait for one call, as --timeout"],
  ["QIGHT_LOG", "log.level of a relay: debug, info, warn or error"],
  ["QIGHT_LOG_FORMAT", "text or json, as --log-format"],
  ["QIGHT_CFG__SECTION__KEY", "any key of relay.toml, for example QIGHT_CFG__LIMITS__IDLE_TIMEOUT=90s"],
  ["QIGHT_CACHE_DIR", "folder in which the one file unpacks itself, in qight/; else the user's cache"],
  ["QIGHT_SELF", "how this qight was started, set by the one file and the packages"],
  ["NO_COLOR", "when set, no colour"],
  ["FORCE_COLOR", "when set, colour off a terminal too; 0 or false is no colour"],
  ["TERM", "dumb is no colour and nothing that moves"],
  ["PAGER", "shows a page of the manual where there is no man(1)"],
  ["XDG_CONFIG_HOME", "folder of qight/config.toml, ~/.config unless set"],
  ["XDG_CONFIG_DIRS", "folders of a qight/config.toml for all users, /etc/xdg unless set"],
  ["XDG_DATA_HOME", "folder of qight/ with keys and messages, ~/.local/share unless set"],
  ["XDG_STATE_HOME", "folder of qight/ with what may be lost, ~/.local/state unless set"],
  ["XDG_CACHE_HOME", "folder of qight/ with unpacked versions of the one file, ~/.cache unless set"],
  ["XDG_RUNTIME_DIR", "folder of the admin socket of a relay whose data folder has too long a path"],
  ["STATE_DIRECTORY", "a relay's data folder, set by systemd"],
  ["CREDENTIALS_DIRECTORY", "folder of passphrase, token and root.key, set by systemd (LoadCredential=)"],
];

/** What a command that `fetch --exec` runs finds in its environment. */
export const execEnvironment: readonly (readonly [name: string, text: string])[] = [
  ["QIGHT_ID", "the message's id"],
  ["QIGHT_FROM", "the sender's account id"],
  ["QIGHT_FROM_NAME", "the sender's contact name, empty for a stranger"],
  ["QIGHT_TO", "the own account id"],
  ["QIGHT_IN", "where it was said: #NAME of a group, or the other side's account id"],
  ["QIGHT_VIA", "mls, sealed or plain"],
  ["QIGHT_SEQ", "the message's number in the mailbox"],
  ["QIGHT_SENT_AT", "when it was sent, RFC 3339 in UTC"],
  ["QIGHT_FILES", "where --save-dir put its files, one path a line; empty without any"],
];
