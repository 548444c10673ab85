/** A line of a conversation as people see it. @module */
import { arrivalOf } from "../../client/arrival.ts";
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
  /** Names its conversation, where several are shown together. */
  readonly where?: string;
}

/** `18:40  bob  text`; later lines of a text are indented, so that they cannot look like another message. */
export function messageLine(line: KeptLine, style: LineStyle): string {
  const { paint, own, title, timestamps, elsewhere, where } = style;
  const ours = equal(line.author, own);
  const mark = elsewhere ? "*" : " ";
  const time = timestamps ? `${paint.faint(timeOf(line.atMs, style))} ` : "";
  const place = where === undefined ? "" : `${paint.name(escapeLine(where))}  `;
  if (line.kind === "notice") return `${time}${mark}${place}${paint.faint(`-- ${escapeLine(line.text)}`)}`;
  const name = paint.name(ours ? "you" : title(line.author));
  const body = bodyOf(line, style);
  const first = `${time}${mark}${place}${name}${stateOf(line, style)}${body === "" ? "" : `  ${body}`}`;
  return [
    `${first}${arrived(line, style)}`,
    ...line.files.map((file) => `  ${fileText(file, ours)}`),
    ...reactions(line, style),
  ].join("\n");
}

function bodyOf({ text, edited, deleted, answers }: KeptLine, { paint, own, title }: LineStyle): string {
  if (deleted) return paint.faint("(taken back)");
  const words = escapeControls(text).replace(/\n/g, "\n  ");
  const after = edited ? ` ${paint.faint("(edited)")}` : "";
  if (!answers) return `${words}${after}`;
  const whose = equal(answers.author, own) ? "you" : title(answers.author);
  const begin = [...escapeLine(answers.text)];
  const quoted = begin.length > QUOTED ? `${begin.slice(0, QUOTED).join("")}…` : begin.join("");
  return `${paint.faint(`(on ${whose}: ${quoted})`)} ${words}${after}`;
}

/** The name that the sender gave the file, its size, and how to get it. */
function fileText({ number, name, size, kept, savedAs }: KeptLine["files"][number], ours: boolean): string {
  const what = `[file ${number}] ${escapeLine(name)}  ${size} bytes`;
  if (savedAs !== null) return `${what}  saved as ${escapeLine(savedAs)}`;
  if (ours) return `[file] ${escapeLine(name)}  ${size} bytes`;
  return kept ? `${what}  /download ${number}` : what;
}

function reactions({ reactions }: KeptLine, { own, title }: LineStyle): string[] {
  if (reactions.length === 0) return [];
  const each = reactions.map(({ author, emoji }) =>
    `${escapeLine(emoji)} ${equal(author, own) ? "you" : title(author)}`
  );
  return [`  ${each.join("  ")}`];
}

/** What is wrong with it, or not yet right. */
function stateOf(line: KeptLine, { paint }: LineStyle): string {
  if (!line.verified) return ` ${paint.alarm("(not verified)")}`;
  const arrival = arrivalOf(line, line.marks);
  if (arrival === "refused") return ` ${paint.alarm("(refused)")}`;
  return arrival === "waiting" || arrival === "sent" ? ` ${paint.faint(`(${arrival})`)}` : "";
}

/** How far an own line got beyond the relay. */
function arrived(line: KeptLine, { paint }: LineStyle): string {
  if (line.marks.length === 0) return "";
  return `  ${paint.faint(`✓ ${arrivalOf(line, line.marks)}`)}`;
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

/** Characters of a line that an answer shows of it. */
const QUOTED = 40;
// 9999-12-30: a day before the last one that has four digits for the year, in any time zone.
const LATEST_MS = 253_402_214_400_000;
