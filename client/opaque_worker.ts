/**
 * The far end of `opaque_thread.ts`: OPAQUE's client in a thread of its own, because stretching a password takes a core for
 * a fifth of a second in one go, and a session has to stay alive meanwhile.
 * @module
 */
import { beginLogin, beginRegistration, finishLogin, finishRegistration } from "../crypto/opaque.ts";
import { asQightError, type ErrorCode } from "../proto/errors.ts";

/** What the thread does, by name. */
const opaqueSteps = { beginLogin, beginRegistration, finishLogin, finishRegistration };

/** The steps with their arguments and results. */
export type OpaqueSteps = typeof opaqueSteps;

/** A question to the thread. */
export interface OpaqueQuestion {
  readonly id: number;
  readonly step: keyof OpaqueSteps;
  readonly args: readonly unknown[];
}

/** Its answer; an error keeps its code. */
export type OpaqueAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly code: ErrorCode; readonly message: string } };

/** What of a worker's global scope is used here. */
interface Scope {
  onmessage: ((event: { readonly data: OpaqueQuestion }) => void) | null;
  postMessage(answer: OpaqueAnswer): void;
}

const scope = globalThis as unknown as Scope;

scope.onmessage = async ({ data: { id, step, args } }) => {
  try {
    const run = opaqueSteps[step] as (...args: readonly unknown[]) => Promise<unknown>;
    scope.postMessage({ id, value: await run(...args) });
  } catch (thrown) {
    const { code, message } = asQightError(thrown);
    scope.postMessage({ id, error: { code, message } });
  }
};
