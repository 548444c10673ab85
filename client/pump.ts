/**
 * Reads ahead of whoever consumes: what has arrived is taken in one go, and little enough is held.
 * @module
 */

/** A bounded buffer between an async iterable and its consumer. */
export class Pump<T> {
  readonly #iterator: AsyncIterator<T>;
  readonly #limit: number;
  #items: T[] = [];
  #ended = false;
  #error: { thrown: unknown } | null = null;
  #wakeConsumer: () => void = () => {};
  #wakeReader: () => void = () => {};

  /** @param limit how many items may wait */
  constructor(source: AsyncIterable<T>, limit: number) {
    this.#iterator = source[Symbol.asyncIterator]();
    this.#limit = limit;
    void this.#read();
  }

  /** All that has arrived, at least one; null at the end. Rejects when the source failed, after what came before. */
  async take(): Promise<T[] | null> {
    while (this.#items.length === 0) {
      if (this.#error) throw this.#error.thrown;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wakeConsumer = resolve);
    }
    const taken = this.#items;
    this.#items = [];
    this.#wakeReader();
    return taken;
  }

  /** Adds an item of the consumer's own, such as a reminder. */
  inject(item: T): void {
    this.#items.push(item);
    this.#wakeConsumer();
  }

  /** Ends the source and waits until it has; what is buffered is dropped. */
  async stop(): Promise<void> {
    this.#end();
    await this.#iterator.return?.();
  }

  /** Like `stop`, for a source that nothing interrupts while it waits for its next item: it ends when that comes. */
  abandon(): void {
    this.#end();
    this.#iterator.return?.().catch((thrown) => this.#error ??= { thrown });
  }

  #end(): void {
    this.#ended = true;
    this.#items = [];
    this.#wakeReader();
    this.#wakeConsumer();
  }

  async #read(): Promise<void> {
    try {
      while (!this.#ended) {
        const { value, done } = await this.#iterator.next();
        if (done) break;
        if (this.#ended) return;
        this.#items.push(value);
        this.#wakeConsumer();
        while (this.#items.length >= this.#limit && !this.#ended) {
          await new Promise<void>((resolve) => this.#wakeReader = resolve);
        }
      }
    } catch (thrown) {
      this.#error = { thrown };
    }
    this.#ended = true;
    this.#wakeConsumer();
  }
}
