/**
 * `deno run -A bench/plot.ts FILE > docs/latency.svg`: draws what curve.ts measured: p99 against load, both axes logarithmic.
 * @module
 */
import type { Figure } from "./figure.ts";

const WIDTH = 760, HEIGHT = 420, LEFT = 64, RIGHT = 180, TOP = 28, BOTTOM = 48;
// Okabe and Ito's colours, which people with colour blindness can tell apart.
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];

interface Point {
  readonly load: number;
  readonly p99: number;
}

/** The curves in lines of JSON as curve.ts prints them, by system. */
export function readCurves(lines: string): Map<string, Point[]> {
  const curves = new Map<string, Point[]>();
  for (const line of lines.split("\n")) {
    if (line === "") continue;
    const { figure, system, value, achieved_per_s: load } = JSON.parse(line) as Figure;
    if (figure !== "ack_latency" || value === null) continue;
    const points = curves.get(system as string) ?? [];
    curves.set(system as string, points);
    points.push({ load: load as number, p99: value });
  }
  return curves;
}

/** An SVG of the curves. */
export function draw(curves: ReadonlyMap<string, readonly Point[]>): string {
  const all = [...curves.values()].flat();
  const loads = ticks(all.map(({ load }) => load)), times = ticks(all.map(({ p99 }) => p99));
  const x = scale(loads, LEFT, WIDTH - RIGHT), y = scale(times, HEIGHT - BOTTOM, TOP);
  const parts = [
    ...loads.map((load) => grid(x(load), TOP, x(load), HEIGHT - BOTTOM) + label(x(load), HEIGHT - 28, "middle", load)),
    ...times.map((ms) => grid(LEFT, y(ms), WIDTH - RIGHT, y(ms)) + label(LEFT - 8, y(ms) + 4, "end", ms)),
    label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle", "acknowledged messages a second"),
    label(LEFT, 16, "start", "p99 from due to acknowledged, ms"),
  ];
  [...curves].forEach(([system, points], at) => {
    const colour = COLOURS[at % COLOURS.length];
    const line = points.map(({ load, p99 }) => `${at1(x(load))},${at1(y(p99))}`).join(" ");
    parts.push(`<polyline fill="none" stroke="${colour}" stroke-width="2" points="${line}"/>`);
    for (const { load, p99 } of points) {
      parts.push(`<circle cx="${at1(x(load))}" cy="${at1(y(p99))}" r="3" fill="${colour}"/>`);
    }
    parts.push(`<rect x="${WIDTH - RIGHT + 12}" y="${TOP + at * 22}" width="12" height="12" fill="${colour}"/>`);
    parts.push(label(WIDTH - RIGHT + 30, TOP + at * 22 + 10, "start", system));
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>
${parts.join("\n")}
</svg>
`;
}

/** 1, 2 and 5 times powers of ten that enclose the values. */
function ticks(values: readonly number[]): number[] {
  const found: number[] = [];
  const low = Math.min(...values), high = Math.max(...values);
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of [1, 2, 5]) found.push(Number((step * 10 ** power).toPrecision(1)));
  }
  const first = found.findLastIndex((tick) => tick <= low), last = found.findIndex((tick) => tick >= high);
  return found.slice(Math.max(0, first), last + 1);
}

function scale(marks: readonly number[], from: number, to: number): (value: number) => number {
  const low = Math.log10(marks[0]), high = Math.log10(marks[marks.length - 1]);
  return (value) => from + (Math.log10(value) - low) / (high - low) * (to - from);
}

function grid(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${at1(x1)}" y1="${at1(y1)}" x2="${at1(x2)}" y2="${at1(y2)}" stroke="#ddd"/>`;
}

function label(x: number, y: number, anchor: string, text: string | number): string {
  const safe = String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${at1(x)}" y="${at1(y)}" text-anchor="${anchor}">${safe}</text>`;
}

function at1(value: number): string {
  return value.toFixed(1);
}

if (import.meta.main) console.log(draw(readCurves(Deno.readTextFileSync(Deno.args[0]))).trimEnd());
