/** Every key of the client's config.toml: its form, its default and what it is for. @module */

/** A key that holds one value. */
export interface KeySpec {
  /** `path`: relative ones lie beside the config.toml; `duration`: `30s`; `size`: `50MiB`; a list: one of these words. */
  readonly type: "string" | "boolean" | "path" | "duration" | "size" | readonly string[];
  /** One line for people, without the full stop. */
  readonly text: string;
  /** In force when nobody says anything, as the file would write it. */
  readonly fallback?: string | boolean;
}

/** The keys of a table. `table` is a section of fixed keys, `each` one whose keys are names that the user gives. */
export interface Keys {
  readonly [key: string]: KeySpec | { readonly table: Keys } | { readonly each: Keys };
}

/** The longest wait for one call when nothing else is said. */
const DEFAULT_TIMEOUT = "10s";

/** Keys of one `[context.NAME]`. */
export const contextKeys = {
  relay: { type: "string", text: "relay to use, qight://ROOT@host:port" },
  identity: { type: "path", text: "key file to act as" },
  timeout: { type: "duration", text: "longest wait for one call", fallback: DEFAULT_TIMEOUT },
  passphrase_file: { type: "path", text: "file that holds the passphrase of the key file" },
  token_file: { type: "path", text: "file that holds the relay's access token" },
} as const satisfies Keys;

/** All of config.toml. */
export const clientKeys = {
  default_context: { type: "string", text: "context in use when neither --context nor QIGHT_CONTEXT names one" },
  context: { each: contextKeys },
  output: {
    table: {
      json: { type: "boolean", text: "print JSON, one object a line", fallback: false },
      color: { type: "boolean", text: "colour on terminals; when absent the terminal and NO_COLOR decide" },
      time: { type: ["local", "utc"], text: "time zone of what people read", fallback: "local" },
    },
  },
  repl: {
    table: {
      notify: { type: "boolean", text: "ring the terminal's bell in qight repl when a message comes", fallback: false },
      timestamps: { type: "boolean", text: "show in qight repl when each message was sent", fallback: true },
      history: { type: "boolean", text: "keep what was typed in qight repl for its next start", fallback: true },
    },
  },
  groups: {
    table: {
      ask: {
        type: "boolean",
        text: "groups that others add you to wait for qight group join",
        fallback: false,
      },
    },
  },
  receipts: {
    table: {
      send: {
        type: "boolean",
        text:
          "tell contacts when what they said in a conversation has reached this device, and in qight repl when it was read",
        fallback: true,
      },
    },
  },
  history: {
    table: {
      keep: {
        type: "boolean",
        text: "keep what send and fetch carry, encrypted, for qight history and qight repl",
        fallback: true,
      },
    },
  },
  files: {
    table: {
      save_dir: {
        type: "path",
        text: "folder for the files that qight repl and qight file get save; the working folder unless set",
      },
      auto_accept: {
        type: "boolean",
        text: "let qight repl fetch and save files of contacts without /download",
        fallback: false,
      },
      max: { type: "size", text: "largest file that auto_accept saves", fallback: "50MiB" },
    },
  },
} as const satisfies Keys;

/** What config.toml holds, read from the rows above. */
export type ConfigFile = TableOf<typeof clientKeys>;

/** Settings of one `[context.NAME]`. */
export type ContextSettings = TableOf<typeof contextKeys>;

type TableOf<Rows> = { readonly [Key in keyof Rows]?: ValueOf<Rows[Key]> };
type ValueOf<Row> = Row extends { readonly table: infer Rows } ? TableOf<Rows>
  : Row extends { readonly each: infer Rows } ? Readonly<Record<string, TableOf<Rows>>>
  : Row extends { readonly type: "boolean" } ? boolean
  : Row extends { readonly type: readonly (infer Word)[] } ? Word
  : string;
