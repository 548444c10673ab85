/** What a command says about itself, as data: help, parsing and completion read the same rows. @module */
import type { Output } from "../output.ts";
import type { Settings } from "../settings.ts";

/** One option: its flags as commander reads them, and what it does. */
export type OptionSpec = readonly [flags: string, text: string];

/**
 * What a command wants of config.toml. `read`: the files are right and the chosen context exists. `repairs`: it need not
 * exist. `creates`: nor need the file of `-c`. `unread`: nothing.
 */
export type ConfigUse = "read" | "repairs" | "creates" | "unread";

/** One command of the tree. */
export interface CommandSpec {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Arguments as commander reads them: `<to> [message]`. */
  readonly args?: string;
  /** The same for people, where that reads better. */
  readonly shownArgs?: string;
  readonly options?: readonly OptionSpec[];
  readonly aliases?: readonly string[];
  /** Lines below the options that say what a reader must know. */
  readonly more?: readonly string[];
  readonly examples?: readonly string[];
  readonly commands?: readonly CommandSpec[];
  /** File name under cli/commands without its ending; absent for a mere group. */
  readonly module?: string;
  /** Encrypts, to a relay or for somebody: what that needs first is begun before the command loads. */
  readonly encrypts?: true;
  /** `read` unless said; `unread` for all of `qight relay`. */
  readonly config?: ConfigUse;
  /** `own`: the command answers SIGINT and SIGTERM itself; else `Call.signal` is aborted and it has a moment to end. */
  readonly signals?: "own";
}

/** Everything a command gets when it runs. */
export interface Call<Spec = CommandSpec> {
  /** Arguments; a variadic one is the rest of the list. */
  readonly args: readonly string[];
  readonly options: OptionsOf<Spec>;
  readonly settings: Settings;
  readonly out: Output;
  /** Aborted with a QightError `interrupted` or `terminated`. */
  readonly signal: AbortSignal;
}

/** The parsed options of a command, read from its rows. */
export type OptionsOf<Spec> = Spec extends { readonly options: readonly OptionSpec[] }
  ? { readonly [Row in Spec["options"][number] as NameOf<Row[0]>]?: ValueOf<Row[0]> }
  : Record<never, never>;

type NameOf<Flags extends string> = Camel<LongOf<Flags> extends `no-${infer Name}` ? Name : LongOf<Flags>>;
type LongOf<Flags extends string> = Flags extends `${string}--${infer Long} ${string}` ? Long
  : Flags extends `${string}--${infer Long}` ? Long
  : never;
type ValueOf<Flags extends string> = Flags extends `${string}...>` ? readonly string[]
  : Flags extends `${string}<${string}>` ? string
  : boolean;
type Camel<Text extends string> = Text extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}`
  : Text;
