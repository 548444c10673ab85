/** The settings in force: flags, then environment, then the user's file, then the system's, then built-in. @module */
import { join } from "node:path";
import { QightError } from "../proto/errors.ts";
import { parseDuration } from "../relay/config/durations.ts";
import { parseSize } from "../relay/config/sizes.ts";
import { type LoadedConfig, readConfigFile, readSystemConfig } from "./config_file.ts";
import { clientKeys, contextKeys } from "./config_keys.ts";
import { contextNames, noContext } from "./contexts.ts";
import { Layers, type Source } from "./layers.ts";
import { clientConfigPath, clientDataDir, type Env, systemConfigPaths } from "./paths.ts";
import type { ConfigUse } from "./tree/spec.ts";

/** Global options as they stood on the command line. */
export interface GlobalFlags {
  readonly relay?: string;
  readonly context?: string;
  readonly identity?: string;
  readonly config?: string;
  readonly dataDir?: string;
  readonly passphraseFile?: string;
  readonly tokenFile?: string;
  readonly timeout?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose: number;
  readonly debug?: boolean;
  readonly logFormat?: string;
  readonly input?: boolean;
  readonly yes?: boolean;
}

/** Every setting of a client command. */
export interface Settings {
  readonly relay?: string;
  readonly context?: string;
  readonly identity: string;
  /** The user's config.toml, whether or not it exists. */
  readonly configPath: string;
  readonly configGiven: boolean;
  /** The config.toml files that were read, best first. */
  readonly files: readonly LoadedConfig[];
  readonly dataDir: string;
  readonly dataDirGiven: boolean;
  readonly passphraseFile?: string;
  readonly tokenFile?: string;
  readonly timeoutMs: number;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: number;
  readonly debug: boolean;
  readonly logFormat?: string;
  /** False with `--no-input`: never open the terminal. */
  readonly mayAsk: boolean;
  readonly yes: boolean;
  readonly utc: boolean;
  /** Whether colour was asked for or forbidden; undefined leaves it to the terminal. */
  readonly color?: boolean;
  readonly repl: ReplSettings;
  readonly groups: GroupSettings;
  readonly receipts: ReceiptSettings;
  readonly history: HistorySettings;
  readonly saving: SavingSettings;
  /** Global options as they were given, for commands that write them down. */
  readonly flags: GlobalFlags;
  readonly origins: Readonly<Record<string, Source>>;
  readonly env: Env;
}

/** `[repl]` of config.toml. */
export interface ReplSettings {
  readonly notify: boolean;
  readonly timestamps: boolean;
  readonly history: boolean;
}

/** `[groups]` of config.toml. */
export interface GroupSettings {
  readonly ask: boolean;
}

/** `[receipts]` of config.toml. */
export interface ReceiptSettings {
  readonly send: boolean;
}

/** `[history]` of config.toml. */
export interface HistorySettings {
  readonly keep: boolean;
}

/** `[files]` of config.toml; `max` in bytes. */
export interface SavingSettings {
  readonly saveDir?: string;
  readonly autoAccept: boolean;
  readonly max: number;
}

/** Settles all settings; `use` is what the command wants of config.toml. */
export async function settle(flags: GlobalFlags, env: Env, use: ConfigUse): Promise<Settings> {
  const layers = new Layers(env);
  const builtInPath = clientConfigPath(env);
  const configPath = layers.text("config", { flag: flags.config, variable: "QIGHT_CONFIG", fallback: builtInPath })!;
  const configGiven = layers.sources.config.origin !== "default";
  const files = use === "unread" ? [] : await readFiles(configPath, configGiven && use !== "creates", env);
  layers.useFiles(files, configPath);

  const context = layers.text("context", {
    flag: flags.context,
    variable: "QIGHT_CONTEXT",
    key: ["default_context"],
  });
  if (context !== undefined && use === "read" && !contextNames({ files }).includes(context)) {
    throw noContext({ files, configPath }, context, layers.sources.context.source);
  }
  const named = (key: keyof typeof contextKeys) =>
    context === undefined ? {} : { key: ["context", context, key], keyFirst: layers.sources.context.origin === "flag" };
  const dataDir = layers.text("data_dir", {
    flag: flags.dataDir,
    variable: "QIGHT_DATA_DIR",
    fallback: clientDataDir(env),
  })!;
  const identity = layers.text("identity", {
    flag: flags.identity,
    variable: "QIGHT_IDENTITY",
    ...named("identity"),
    fallback: join(dataDir, "identity.key"),
  })!;
  const timeout = layers.text("timeout", {
    flag: flags.timeout,
    variable: "QIGHT_TIMEOUT",
    ...named("timeout"),
    fallback: contextKeys.timeout.fallback,
  })!;
  const { output, repl, groups, receipts, history, files: saving } = clientKeys;
  const has = (
    section: "repl" | "groups" | "receipts" | "history" | "files",
    key: string,
    { fallback }: { fallback: boolean },
  ) => layers.yesNo(`${section}.${key}`, { key: [section, key], fallback })!;
  return {
    relay: layers.text("relay", { flag: flags.relay, variable: "QIGHT_RELAY", ...named("relay") }),
    context,
    identity,
    configPath,
    configGiven,
    files,
    dataDir,
    dataDirGiven: layers.sources.data_dir.origin !== "default",
    passphraseFile: layers.text("passphrase_file", {
      flag: flags.passphraseFile,
      variable: "QIGHT_PASSPHRASE_FILE",
      meant: { CREDENTIALS_DIRECTORY: credential(env, "passphrase") },
      ...named("passphrase_file"),
    }),
    tokenFile: layers.text("token_file", {
      flag: flags.tokenFile,
      variable: "QIGHT_TOKEN_FILE",
      meant: { CREDENTIALS_DIRECTORY: credential(env, "token") },
      ...named("token_file"),
    }),
    timeoutMs: positive(parseDuration(timeout)),
    json: layers.yesNo("json", {
      flag: flags.json || undefined,
      key: ["output", "json"],
      fallback: output.table.json.fallback,
    })!,
    quiet: flags.quiet ?? false,
    verbose: flags.verbose,
    debug: flags.debug ?? false,
    logFormat: logFormatOf(layers, flags),
    mayAsk: flags.input !== false,
    yes: flags.yes ?? false,
    color: layers.yesNo("output.color", { meant: colorVariables(env), key: ["output", "color"] }),
    utc: layers.text("output.time", { key: ["output", "time"], fallback: output.table.time.fallback }) === "utc",
    repl: {
      notify: has("repl", "notify", repl.table.notify),
      timestamps: has("repl", "timestamps", repl.table.timestamps),
      history: has("repl", "history", repl.table.history),
    },
    groups: { ask: has("groups", "ask", groups.table.ask) },
    receipts: { send: has("receipts", "send", receipts.table.send) },
    history: { keep: has("history", "keep", history.table.keep) },
    saving: {
      saveDir: layers.text("files.save_dir", { key: ["files", "save_dir"] }),
      autoAccept: has("files", "auto_accept", saving.table.auto_accept),
      max: parseSize(layers.text("files.max", { key: ["files", "max"], fallback: saving.table.max.fallback })!),
    },
    flags,
    origins: layers.sources,
    env,
  };
}

async function readFiles(userPath: string, askedFor: boolean, env: Env): Promise<LoadedConfig[]> {
  const user = await readConfigFile(userPath, askedFor, env);
  const system = await Promise.all(systemConfigPaths(env).map((path) => readSystemConfig(path, env)));
  return [user, ...system].filter((file) => file !== null);
}

function logFormatOf(layers: Layers, flags: GlobalFlags): string | undefined {
  const format = layers.text("log_format", { flag: flags.logFormat, variable: "QIGHT_LOG_FORMAT" });
  if (format === undefined || format === "text" || format === "json") return format;
  throw new QightError("usage", `--log-format is text or json, not "${format}"`);
}

function positive(ms: number): number {
  if (ms <= 0) throw new QightError("bad_duration", "--timeout must be longer than nothing");
  return ms;
}

/** no-color.org, force-color.org; where both are set, no colour is what does no harm. */
function colorVariables(env: Env): Record<string, boolean | undefined> {
  const forced = env("FORCE_COLOR");
  return {
    NO_COLOR: env("NO_COLOR") === undefined ? undefined : false,
    FORCE_COLOR: forced === undefined ? undefined : forced !== "0" && forced !== "false",
  };
}

/** systemd hands over secrets as files in a folder (systemd.exec(5), LoadCredential=); undefined when it has none. */
function credential(env: Env, name: string): string | undefined {
  const folder = env("CREDENTIALS_DIRECTORY");
  if (!folder) return undefined;
  const path = join(folder, name);
  try {
    return Deno.statSync(path).isFile ? path : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new QightError("no_input", `Cannot look at ${path}: ${(error as Error).message}`, { cause: error });
  }
}
