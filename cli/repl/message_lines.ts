/** A line of a conversation as people see it. @module */
import type { KeptLine } from "../../client/history.ts";
import { equal } from "../../crypto/equal.ts";
import { escapeControls, escapeLine } from "../escape.ts";
import type { Paint } from "./screen.ts";

/** How lines are shown. */
export interface LineStyle {
  readonly paint: Paint;
  /** Own account hash. */
  readonly own: Uint8Array;
  /** What accounts are called. */
  readonly title: (account: Uint8Array) => string;
  readonly utc: boolean;
  readonly timestamps: boolean;
  /** Now, milliseconds since 1970: lines of other days show their date. */
  readonly nowMs: number;
  /** Its conversation is not the open one: marked, and it stays unread. */
  readonly elsewhere?: boolean;
}

/** `18:40  bob  text`; later lines of a text are indented, so that they cannot look like another message. */
export function messageLine(line: KeptLine, style: LineStyle): string {
  const { paint, own, title, timestamps, elsewhere } = style;
  const ours = equal(line.author, own);
  const mark = elsewhere ? "*" : " ";
  const time = timestamps ? `${paint.faint(timeOf(line.atMs, style))} ` : "";
  const name = paint.name(ours ? "you" : title(line.author));
  const body = escapeControls(line.text).replace(/\n/g, "\n  ");
  const first = `${time}${mark}${name}${stateOf(line, style)}${body === "" ? "" : `  ${body}`}`;
  return [first, ...line.files.map((file) => `  ${fileText(file, ours)}`)].join("\n");
}

/** The name that the sender gave the file, its size, and how to get it. */
function fileText({ number, name, size, kept, savedAs }: KeptLine["files"][number], ours: boolean): string {
  const what = `[file ${number}] ${escapeLine(name)}  ${size} bytes`;
  if (savedAs !== null) return `${what}  saved as ${escapeLine(savedAs)}`;
  if (ours) return `[file] ${escapeLine(name)}  ${size} bytes`;
  return kept ? `${what}  /download ${number}` : what;
}

function stateOf({ state, verified }: KeptLine, { paint }: LineStyle): string {
  if (!verified) return ` ${paint.alarm("(not verified)")}`;
  if (state === "waiting") return ` ${paint.faint("(waits)")}`;
  if (state === "failed") return ` ${paint.alarm("(NOT SENT)")}`;
  return state === "unknown" ? ` ${paint.faint("(perhaps not sent)")}` : "";
}

function timeOf(atMs: number, { utc, nowMs }: LineStyle): string {
  const [day, time] = localTime(atMs, utc);
  return day === localTime(nowMs, utc)[0] ? time : `${day} ${time}`;
}

/** Day and time of day, `2026-11-21` and `18:40`; what no date can hold becomes the nearest one. */
export function localTime(ms: number, utc: boolean): [day: string, time: string] {
  const date = new Date(Math.min(Math.max(ms, 0), LATEST_MS));
  const shifted = utc ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  const [day, time] = shifted.toISOString().split("T");
  return [day, time.slice(0, 5)];
}

// 9999-12-30: a day before the last one that has four digits for the year, in any time zone.
const LATEST_MS = 253_402_214_400_000;
