/** One line of `qight doctor`: what was looked at, how it is, and what to do. @module */
import { asQightError, type ErrorCode } from "../../proto/errors.ts";

/** How something is: `warn` does not hold anything up, `fail` does. */
export type State = "ok" | "warn" | "fail";

/** What one check found. */
export interface Check {
  /** Stable name; scripts match it. */
  readonly name: string;
  readonly state: State;
  /** One sentence of what is. */
  readonly message: string;
  /** What to do; empty when there is nothing to do. */
  readonly hint: string;
  /** What a failure is, for the exit code; absent unless `fail`. */
  readonly code?: ErrorCode;
}

/** All is well. */
export function ok(name: string, message: string): Check {
  return { name, state: "ok", message, hint: "" };
}

/** Works, or could not be looked at; `hint` says what would be better. */
export function warn(name: string, message: string, hint: string): Check {
  return { name, state: "warn", message, hint };
}

/** Does not work; `code` decides the exit code. */
export function fail(name: string, code: ErrorCode, message: string, hint: string): Check {
  return { name, state: "fail", message, hint, code };
}

/** A failure as it was thrown, with its own hint. */
export function failed(name: string, thrown: unknown): Check {
  const { code, message, hint } = asQightError(thrown);
  return fail(name, code, message, hint);
}

/** Runs a check; what it throws is its failure, so that the others still run. Null: there was nothing to look at. */
export async function examine<T extends Check | null>(name: string, look: () => T | Promise<T>): Promise<T | Check> {
  try {
    return await look();
  } catch (thrown) {
    return failed(name, thrown);
  }
}

/** A check for people: its line, and below it what to do. */
export function checkText({ name, state, message, hint }: Check): string {
  const line = `${state.padEnd(5)} ${name.padEnd(12)} ${message.replaceAll("\n", " ")}`;
  return hint === "" ? line : `${line}\n${" ".repeat(19)}${hint}`;
}
