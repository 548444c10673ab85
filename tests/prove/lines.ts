/**
 * Reads the output of another process line by line.
 * @module
 */

/** Lines of a byte stream, without their ends; a last line without an end is not one (its writer was killed). */
export class LineReader {
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #decoder = new TextDecoder();
  #text = "";
  #lines: string[] = [];

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next whole line, or null at the end of the stream. */
  async next(): Promise<string | null> {
    while (this.#lines.length === 0) {
      const { value, done } = await this.#reader.read();
      if (done) return null;
      this.#text += this.#decoder.decode(value, { stream: true });
      const lines = this.#text.split("\n");
      this.#text = lines.pop()!;
      this.#lines = lines.reverse();
    }
    return this.#lines.pop()!;
  }

  /** Reads on and forgets, so that the writer never blocks on a full pipe. */
  discard(): void {
    const drain = async () => {
      while (!(await this.#reader.read()).done);
    };
    drain().catch((error) => console.error(`discarded output: ${error}`));
  }
}
