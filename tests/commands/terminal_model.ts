/** A small terminal: what a person sees after carriage returns, cursor movement and erasing. @module */

/** The rows of a screen and its cursor; as much of ECMA-48 as line editing uses. */
export class TerminalModel {
  row = 0;
  column = 0;
  readonly #rows: string[][] = [[]];
  readonly #columns: number;
  #rest = "";

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Takes what a program wrote. */
  write(text: string): void {
    let input = this.#rest + text;
    this.#rest = "";
    while (input !== "") {
      // deno-lint-ignore no-control-regex
      const sequence = /^\u001b\[([?>]?[\d;]*)([A-Za-z])/.exec(input);
      if (sequence) {
        this.#control(sequence[2], sequence[1]);
        input = input.slice(sequence[0].length);
      } else if (UNFINISHED.test(input)) {
        this.#rest = input; // the rest of the sequence comes with the next chunk
        return;
      } else {
        const [character] = input;
        this.#put(character);
        input = input.slice(character.length);
      }
    }
  }

  /** The lines as they stand, without empty ones at the end. */
  text(): string {
    return this.#rows.map((row) => row.join("").trimEnd()).join("\n").trimEnd();
  }

  /** Everything in one line, as if the screen were wide enough. */
  flat(): string {
    return this.#rows.flat().join("").trimEnd();
  }

  #put(character: string): void {
    if (character === "\r") this.column = 0;
    else if (character === "\n") this.#down();
    else if (character === "\b") this.column = Math.max(0, this.column - 1);
    else if (character >= " ") {
      if (this.column >= this.#columns) {
        this.column = 0;
        this.#down();
      }
      const row = this.#rows[this.row];
      while (row.length < this.column) row.push(" ");
      row[this.column++] = character;
    }
  }

  #down(): void {
    this.row++;
    while (this.#rows.length <= this.row) this.#rows.push([]);
  }

  #control(kind: string, parameters: string): void {
    const count = Math.max(1, Number(parameters) || 0);
    if (kind === "A") this.row = Math.max(0, this.row - count);
    else if (kind === "B") { for (let at = 0; at < count; at++) this.#down(); }
    else if (kind === "C") this.column = Math.min(this.#columns - 1, this.column + count);
    else if (kind === "D") this.column = Math.max(0, this.column - count);
    else if (kind === "G") this.column = count - 1;
    else if (kind === "K") this.#rows[this.row].length = Math.min(this.#rows[this.row].length, this.column);
    else if (kind === "J") {
      this.#rows.length = this.row + 1;
      this.#rows[this.row].length = Math.min(this.#rows[this.row].length, this.column);
    }
  }
}

/** The beginning of a control sequence that is not whole. */
// deno-lint-ignore no-control-regex
const UNFINISHED = /^\u001b(?:\[[?>]?[\d;]*)?$/;
