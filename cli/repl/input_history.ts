/**
 * What the arrow keys bring back after a restart. The file holds commands as they were typed; of a message only its id:
 * the text is read from the encrypted store, so that nothing of a conversation lies in the open.
 * @module
 */
import { dirname } from "node:path";
import { formatMessageId, parseMessageId } from "../../client/message_id.ts";
import { QightError } from "../../proto/errors.ts";
import { makePrivateFolder, writePrivateFile } from "../paths.ts";

/** Lines that are kept. */
const KEPT = 1000;
/** A file this long was not written here, bytes. */
const LARGEST = 4 * 1024 * 1024;
const MESSAGE = "=";

/** The typed lines of one identity, in a file (0600) of the state folder. */
export class InputHistory {
  readonly #path: string | null;

  /** `path` null keeps nothing. */
  constructor(path: string | null) {
    this.#path = path;
  }

  /** The lines of earlier days, the newest first; `textOf` finds what was typed for a message, or null. */
  async load(textOf: (id: Uint8Array) => Promise<string | null>): Promise<string[]> {
    const kept = await this.#read();
    const lines: string[] = [];
    for (const line of kept.toReversed()) {
      const text = line.startsWith(MESSAGE) ? await textOf(parseMessageId(line.slice(MESSAGE.length))) : line;
      if (text !== null) lines.push(text);
    }
    return lines;
  }

  /** Notes a command. */
  async command(line: string): Promise<void> {
    await this.#append(line.replaceAll("\n", " "));
  }

  /** Notes that a message was typed. */
  async message(id: Uint8Array): Promise<void> {
    await this.#append(MESSAGE + formatMessageId(id));
  }

  /** The newest lines of the file; what a damaged file holds besides is left out. The file is shortened when it is long. */
  async #read(): Promise<string[]> {
    if (this.#path === null) return [];
    let text: string;
    try {
      const { size } = await Deno.stat(this.#path);
      text = size > LARGEST ? "" : await Deno.readTextFile(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw new QightError("no_input", `Cannot read ${this.#path}: ${(error as Error).message}`, { cause: error });
    }
    const all = text.split("\n").filter((line) => line.startsWith("/") || /^=[0-9a-f]{32}$/.test(line));
    const lines = all.slice(-KEPT);
    if (all.length > 2 * KEPT) await writePrivateFile(this.#path, `${lines.join("\n")}\n`, { overwrite: true });
    return lines;
  }

  async #append(line: string): Promise<void> {
    if (this.#path === null) return;
    try {
      await makePrivateFolder(dirname(this.#path));
      await Deno.writeTextFile(this.#path, `${line}\n`, { append: true, mode: 0o600 });
    } catch (error) {
      if (error instanceof QightError) throw error;
      throw new QightError("cannot_create", `Cannot write ${this.#path}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}
