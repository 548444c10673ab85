/**
 * The near end of the thread that stretches passwords: steps of OPAQUE's client and their answers.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import type { OpaqueAnswer, OpaqueQuestion, OpaqueSteps } from "./opaque_worker.ts";
import { opaqueWorkerPlace } from "./opaque_worker_place.ts";

/** A thread with OPAQUE in it; disposing ends it. */
export class OpaqueThread implements Disposable {
  readonly #worker = new Worker(opaqueWorkerPlace, { type: "module" });
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;
  #ended: QightError | null = null;

  constructor() {
    this.#worker.onmessage = ({ data }) => this.#answer(data as OpaqueAnswer);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end(new QightError("internal", `The thread that stretches passwords ended: ${event.message}`));
    };
  }

  /** Runs a step in the thread; rejects with the step's own error. */
  run<Step extends keyof OpaqueSteps>(
    step: Step,
    ...args: Parameters<OpaqueSteps[Step]>
  ): ReturnType<OpaqueSteps[Step]> {
    const waiting = Promise.withResolvers<unknown>();
    if (this.#ended) waiting.reject(this.#ended);
    else {
      const id = this.#nextId++;
      this.#waiting.set(id, waiting);
      this.#worker.postMessage({ id, step, args } satisfies OpaqueQuestion);
    }
    return waiting.promise as ReturnType<OpaqueSteps[Step]>;
  }

  /** Ends the thread; what still waits is refused. */
  [Symbol.dispose](): void {
    this.#end(new QightError("invariant", "The thread that stretches passwords was closed"));
    this.#worker.terminate();
  }

  #answer(answer: OpaqueAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(new QightError(answer.error.code, answer.error.message));
    else waiting?.resolve(answer.value);
  }

  #end(reason: QightError): void {
    this.#ended ??= reason;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }
}
