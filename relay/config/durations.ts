/**
 * Durations as people write them: `30s`, `15m`, `1h30m`, `7d`, `2w`.
 * @module
 */

import { QightError } from "../../proto/errors.ts";

const units = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const;

/**
 * Milliseconds of a duration such as `30s` or `1h30m`; each unit at most once, largest first.
 * A bare number is refused (packages that guess a unit disagree with each other); throws `bad_duration`.
 */
export function parseDuration(text: string): number {
  const parts = /^(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/.exec(text);
  if (!parts || text === "") {
    throw new QightError("bad_duration", `${JSON.stringify(text.slice(0, 40))} is not a duration`);
  }
  const sum = Object.values(units).reduce((total, unit, index) => total + Number(parts[index + 1] ?? 0) * unit, 0);
  if (!Number.isSafeInteger(sum)) throw new QightError("bad_duration", `${text} is too long`);
  return sum;
}

/** The shortest text that `parseDuration` reads back as `ms`, rounded down to whole seconds. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / 1000) * 1000);
  let text = "";
  for (const [name, unit] of Object.entries(units)) {
    if (name === "w") continue; // people say 7d and 30d
    const count = Math.floor(rest / unit);
    if (count > 0) text += `${count}${name}`;
    rest -= count * unit;
  }
  return text || "0s";
}
