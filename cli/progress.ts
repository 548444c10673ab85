/**
 * Says how far long work is: a bar with rate and time left on a terminal, elsewhere a line in 10 s.
 *
 * Own lines instead of cli-progress: that one has its own clock and timers (a test cannot turn them), says nothing off a
 * terminal, and does not make room for lines that are written meanwhile.
 * @module
 */
import { formatDuration } from "../relay/config/durations.ts";
import type { Output } from "./output.ts";

/** What is counted: bytes are shown as KiB and MiB, everything else by its name. */
export type Unit = "bytes" | "messages" | "lines" | "pages" | "calls";

/** The screen and the clock. */
export interface ProgressRoom {
  /** Writes to stderr as it is. */
  write(text: string): void;
  /** Whether a bar may be drawn over and over. */
  readonly terminal: boolean;
  /** Says nothing at all (`-q`). */
  readonly quiet: boolean;
  /** Characters in a line of the terminal. */
  columns(): number;
  /** Milliseconds that never jump. */
  monotonic(): number;
}

/** Short work shows no bar. */
const FIRST_AFTER_MS = 500;
const REDRAW_EVERY_MS = 100;
const LINE_EVERY_MS = 10_000;
const MAX_BAR = 30;

/** One piece of long work. Disposing takes the bar away. */
export class Progress implements Disposable {
  readonly #label: string;
  readonly #unit: Unit;
  readonly #room: ProgressRoom;
  readonly #startedAtMs: number;
  #nextAtMs: number;
  #shown = 0;

  /** @param label what is done, as in "restoring" */
  constructor(label: string, unit: Unit, room: ProgressRoom) {
    this.#label = label;
    this.#unit = unit;
    this.#room = room;
    this.#startedAtMs = room.monotonic();
    this.#nextAtMs = this.#startedAtMs + (room.terminal ? FIRST_AFTER_MS : LINE_EVERY_MS);
  }

  /** So much is done, of so much where that is known. */
  update(done: number, total?: number): void {
    const nowMs = this.#room.monotonic();
    if (this.#room.quiet || nowMs < this.#nextAtMs) return;
    const text = progressText({ done, total, unit: this.#unit, elapsedMs: nowMs - this.#startedAtMs });
    if (!this.#room.terminal) {
      this.#nextAtMs = nowMs + LINE_EVERY_MS;
      return this.#room.write(`${this.#label}: ${text}\n`);
    }
    this.#nextAtMs = nowMs + REDRAW_EVERY_MS;
    this.#draw(text, done, total);
  }

  /** Clears the bar's line, for something else to be written there; the next update draws it again. */
  hide(): void {
    if (this.#shown > 0) this.#room.write(`\r${" ".repeat(this.#shown)}\r`);
    this.#shown = 0;
  }

  [Symbol.dispose](): void {
    this.hide();
  }

  #draw(text: string, done: number, total: number | undefined): void {
    // The last column stays free: a character there makes some terminals go to the next line.
    const width = Math.max(0, this.#room.columns() - 1);
    const room = Math.min(MAX_BAR, width - this.#label.length - text.length - 4);
    const bar = total === undefined || room < 5 ? "" : `[${barOf(room, done / Math.max(total, 1))}] `;
    const line = `${this.#label} ${bar}${text}`.slice(0, width);
    this.#room.write(`\r${line}${" ".repeat(Math.max(0, this.#shown - line.length))}`);
    this.#shown = Math.max(line.length, 0);
  }
}

/** How far, how fast and how long still: `3.0 of 12.0 MiB  25 %  1.5 MiB/s  6s left`. */
export function progressText(
  { done, total, unit, elapsedMs }: { done: number; total?: number | undefined; unit: Unit; elapsedMs: number },
): string {
  const perSecond = elapsedMs > 0 ? done / (elapsedMs / 1000) : 0;
  const words = [total === undefined ? amount(done, unit) : `${amount(done, unit)} of ${amount(total, unit)}`];
  if (total !== undefined) words.push(`${Math.min(100, Math.floor(100 * done / Math.max(total, 1)))} %`);
  words.push(`${amount(Math.round(perSecond), unit)}/s`);
  if (total !== undefined && perSecond > 0 && done < total) {
    words.push(`${formatDuration(Math.ceil((total - done) / perSecond) * 1000)} left`);
  }
  return words.join("  ");
}

/** Progress of one command on the real screen; other lines of the same command make room by themselves. */
export function startProgress(out: Output, label: string, unit: Unit): Progress {
  const terminal = Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb";
  const progress = new Progress(label, unit, {
    write: (text) => out.draw(text),
    terminal,
    // Errors of --json are for programs, and so is all else on stderr unless a person looks at it.
    quiet: out.quiet || (out.json && !terminal),
    columns,
    monotonic: () => performance.now(),
  });
  out.beforeLines = () => progress.hide();
  return progress;
}

function columns(): number {
  try {
    return Deno.consoleSize().columns || DEFAULT_COLUMNS;
  } catch (error) {
    // Neither stdin nor stdout nor stderr has a size to ask for.
    if (error instanceof Error) return DEFAULT_COLUMNS;
    throw error;
  }
}

const DEFAULT_COLUMNS = 80;

function barOf(width: number, part: number): string {
  const full = Math.min(width, Math.max(0, Math.round(width * part)));
  return "#".repeat(full) + "-".repeat(width - full);
}

function amount(value: number, unit: Unit): string {
  if (unit !== "bytes") return `${value} ${unit}`;
  const power = value < 1024 ** 2 ? 1 : value < 1024 ** 3 ? 2 : 3;
  return `${(value / 1024 ** power).toFixed(1)} ${["KiB", "MiB", "GiB"][power - 1]}`;
}
