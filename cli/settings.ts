/** The settings in force: flags, then environment, then config.toml, then built-in. @module */
import { join } from "node:path";
import { QightError } from "../proto/errors.ts";
import { parseDuration } from "../relay/config/durations.ts";
import { type ConfigFile, emptyConfig, readConfigFile } from "./config_file.ts";
import { clientConfigPath, clientDataDir, type Env } from "./paths.ts";

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

/** Where a value comes from, for `config show --origin`. */
export type Origin = "flag" | "environment" | "file" | "default";

/** Every setting of a client command. */
export interface Settings {
  readonly relay?: string;
  readonly context?: string;
  readonly identity: string;
  readonly configPath: string;
  readonly configGiven: boolean;
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
  readonly origins: Readonly<Record<string, Origin>>;
  readonly env: Env;
}

/** Longest wait for one call when nothing else is said. */
export const DEFAULT_TIMEOUT = "10s";

/** Settles all settings. Relay commands pass `readFile: false`: their `-c` means relay.toml. */
export async function settle(flags: GlobalFlags, env: Env, options: { readFile: boolean }): Promise<Settings> {
  const origins: Record<string, Origin> = {};
  const pick = (name: string, flag?: string, variable?: string, file?: string, fallback?: string) => {
    const candidates: [Origin, string | undefined][] = [
      ["flag", flag],
      ["environment", variable && env(variable)],
      ["file", file],
      ["default", fallback],
    ];
    const [origin, value] = candidates.find(([, value]) => value !== undefined && value !== "") ?? ["default"];
    origins[name] = origin;
    return value;
  };
  const configPath = pick("config", flags.config, "QIGHT_CONFIG", undefined, clientConfigPath(env))!;
  const configGiven = origins.config !== "default";
  const file = options.readFile ? await readConfigFile(configPath, configGiven) : emptyConfig;
  const context = pick("context", flags.context, "QIGHT_CONTEXT", file.default_context);
  const named = contextOf(file, context, configPath);
  const dataDir = pick("data_dir", flags.dataDir, "QIGHT_DATA_DIR", undefined, clientDataDir(env))!;
  const timeout = pick("timeout", flags.timeout, "QIGHT_TIMEOUT", named.timeout, DEFAULT_TIMEOUT)!;
  const logFormat = pick("log_format", flags.logFormat, "QIGHT_LOG_FORMAT");
  if (logFormat && logFormat !== "text" && logFormat !== "json") {
    throw new QightError("usage", `--log-format is text or json, not "${logFormat}"`);
  }
  const json = pick("json", flags.json ? "true" : undefined, undefined, file.output.json ? "true" : undefined);
  return {
    relay: pick("relay", flags.relay, "QIGHT_RELAY", named.relay),
    context,
    identity: pick("identity", flags.identity, "QIGHT_IDENTITY", named.identity, join(dataDir, "identity.key"))!,
    configPath,
    configGiven,
    dataDir,
    dataDirGiven: origins.data_dir !== "default",
    passphraseFile: pick("passphrase_file", flags.passphraseFile, "QIGHT_PASSPHRASE_FILE", named.passphrase_file) ??
      credential(env),
    tokenFile: pick("token_file", flags.tokenFile, "QIGHT_TOKEN_FILE", named.token_file),
    timeoutMs: positive(parseDuration(timeout)),
    json: json === "true",
    quiet: flags.quiet ?? false,
    verbose: flags.verbose,
    debug: flags.debug ?? false,
    logFormat,
    mayAsk: flags.input !== false,
    yes: flags.yes ?? false,
    utc: file.output.time === "utc",
    origins,
    env,
  };
}

function contextOf(file: ConfigFile, name: string | undefined, path: string) {
  if (name === undefined) return {};
  if (!Object.hasOwn(file.context, name)) {
    const known = Object.keys(file.context);
    throw new QightError("config", `There is no context "${name}" in ${path}`, {
      hint: known.length > 0
        ? `It has: ${known.join(", ")}.`
        : `Write [context.${name}] there, with relay = "qight://…".`,
    });
  }
  return file.context[name];
}

function positive(ms: number): number {
  if (ms <= 0) throw new QightError("bad_duration", "--timeout must be longer than nothing");
  return ms;
}

/** systemd hands over secrets as files in a folder (systemd.exec(5), LoadCredential=). */
function credential(env: Env): string | undefined {
  const folder = env("CREDENTIALS_DIRECTORY");
  if (!folder) return undefined;
  const path = join(folder, "passphrase");
  try {
    return Deno.statSync(path).isFile ? path : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new QightError("no_input", `Cannot look at ${path}: ${(error as Error).message}`, { cause: error });
  }
}
