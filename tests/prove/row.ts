/**
 * What a row of `deno task prove` is given and what it answers.
 * @module
 */

/** How large a run is and what decides its chance. */
export interface Size {
  readonly seed: number;
  /** Kills, or the row's own unit of repetition. */
  readonly rounds: number;
  /** Starts the relay; absent = `qight relay`. The row `sabotage` hands in relays that lie. */
  readonly relayEntry?: RelayEntry;
  /** Is run instead of `qight` by the members of groups. The row `sabotage` hands in clients that do wrong. */
  readonly clientEntry?: RelayEntry;
}

/** A script that starts a relay as `qight relay` does: same flags, same environment, same first line. */
export interface RelayEntry {
  /** Below the project's folder. */
  readonly path: string;
  /** What stands before the flags. */
  readonly args: readonly string[];
}

/** What a row found. */
export interface Finding {
  /** Counts in the order in which they are printed. */
  readonly counts: Record<string, number | string>;
  /** Broken promises; empty means passed. */
  readonly complaints: readonly string[];
  /** Why the row could not run at all here. */
  readonly skipped?: string;
}

/** One property that is proven. */
export interface Row {
  /** Used by `--only`. */
  readonly name: string;
  /** The property in one sentence. */
  readonly property: string;
  readonly rounds: { readonly ci: number; readonly night: number };
  /** It waits more than it works, so another row may run beside it: in every run, or in the long one of the night. */
  readonly beside?: "always" | "night";
  run(size: Size): Promise<Finding>;
}
