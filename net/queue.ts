/**
 * Hands values from whoever produces them to one `for await` loop; the way listeners and connections deliver.
 * @module
 */

/** An unbounded queue with one reader; its owner bounds what may be pushed (stream limits, pending limits). */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #values: T[] = [];
  readonly #waiting: ((result: IteratorResult<T>) => void)[] = [];
  #ended = false;

  /** Appends a value; false, and nothing is kept, when the queue has ended. */
  push(value: T): boolean {
    if (this.#ended) return false;
    const reader = this.#waiting.shift();
    if (reader) reader({ value, done: false });
    else this.#values.push(value);
    return true;
  }

  /** Ends the queue; values already in it are still delivered. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#waiting.splice(0)) reader({ value: undefined, done: true });
  }

  /** Ends the queue and hands back what nobody took. */
  drain(): T[] {
    this.end();
    return this.#values.splice(0);
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return {
      next: () => {
        if (this.#values.length > 0) return Promise.resolve({ value: this.#values.shift()!, done: false });
        if (this.#ended) return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve) => this.#waiting.push(resolve));
      },
    };
  }
}
