/**
 * Reads a coverage report and adds it up.
 * @module
 */

/** Lines of one file: how many can run, and how many did. */
export interface FileCoverage {
  readonly path: string;
  readonly found: number;
  readonly hit: number;
}

/** The same for everything in one room (a top-level folder, or a file beside them). */
export interface RoomCoverage {
  readonly name: string;
  readonly found: number;
  readonly hit: number;
}

/** Reads lcov's text: `SF:` begins a file, `LF:` and `LH:` count its lines found and hit. */
export function readCoverage(lcov: string): FileCoverage[] {
  const files: FileCoverage[] = [];
  let path = "", found = 0, hit = 0;
  for (const line of lcov.split("\n")) {
    const [field, value] = [line.slice(0, 3), line.slice(3)];
    if (field === "SF:") [path, found, hit] = [value, 0, 0];
    else if (field === "LF:") found = Number(value);
    else if (field === "LH:") hit = Number(value);
    // A file of types alone has no line that could run.
    else if (line === "end_of_record" && found > 0) files.push({ path, found, hit });
  }
  return files;
}

/** Two reports as one: a line ran as often as it ran in both. Only lines (`DA:`) and their sums are kept. */
export function mergeCoverage(one: string, other: string): string {
  const files = new Map<string, Map<number, number>>();
  let lines = new Map<number, number>();
  for (const line of `${one}\n${other}`.split("\n")) {
    if (line.startsWith("SF:")) {
      const path = line.slice(3);
      files.set(path, lines = files.get(path) ?? new Map());
    } else if (line.startsWith("DA:")) {
      const [number, times] = line.slice(3).split(",").map(Number);
      lines.set(number, (lines.get(number) ?? 0) + times);
    }
  }
  return [...files].map(([path, lines]) => {
    const rows = [...lines].sort(([a], [b]) => a - b);
    const hit = rows.filter(([, times]) => times > 0).length;
    const counts = rows.map(([number, times]) => `DA:${number},${times}\n`).join("");
    return `SF:${path}\n${counts}LF:${rows.length}\nLH:${hit}\nend_of_record\n`;
  }).join("");
}

/** Adds files up by room, by name; the last row is the whole. */
export function roomsOf(files: readonly FileCoverage[]): RoomCoverage[] {
  const rooms = Map.groupBy(files, ({ path }) => path.split("/")[0]);
  const rows = [...rooms].map(([name, members]) => sum(name, members));
  return [...rows.sort((a, b) => a.name < b.name ? -1 : 1), sum("together", files)];
}

/** Files with less than `percent` of their lines hit, the least first. */
export function thinFiles(files: readonly FileCoverage[], percent: number): FileCoverage[] {
  return files.filter(({ found, hit }) => 100 * hit < percent * found)
    .sort((a, b) => a.hit / a.found - b.hit / b.found);
}

function sum(name: string, files: readonly FileCoverage[]): RoomCoverage {
  return {
    name,
    found: files.reduce((total, { found }) => total + found, 0),
    hit: files.reduce((total, { hit }) => total + hit, 0),
  };
}
