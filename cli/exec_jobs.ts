/** Work of `fetch --exec` that runs side by side: at most so much at once, nothing new after a failure. @module */

/** A bounded pool with one owner, who hears of the first failure at once and waits for the rest. */
export class ExecJobs {
  readonly #most: number;
  readonly #onFailure: (thrown: unknown) => void;
  readonly #running = new Set<Promise<void>>();
  #failed = false;
  #placeFree: () => void = () => {};

  /** @param most how many run at once, from 1 */
  constructor(most: number, onFailure: (thrown: unknown) => void) {
    this.#most = most;
    this.#onFailure = onFailure;
  }

  /** Waits for a free place and begins the work there. False, and nothing begun, once something has failed. */
  async begin(work: () => Promise<void>): Promise<boolean> {
    // Not a race between those that run: one that takes days would hold a reaction for each that comes and goes.
    while (this.#running.size >= this.#most) await new Promise<void>((resolve) => this.#placeFree = resolve);
    if (this.#failed) return false;
    const job = work().catch((thrown) => this.#fail(thrown)).finally(() => {
      this.#running.delete(job);
      this.#placeFree();
    });
    this.#running.add(job);
    return true;
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #fail(thrown: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#onFailure(thrown);
  }
}
