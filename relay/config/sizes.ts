/**
 * Sizes as people write them: `512B`, `256KiB`, `64MiB`, `10GiB`.
 * @module
 */

import { QightError } from "../../proto/errors.ts";

const units = { GiB: 1024 ** 3, MiB: 1024 ** 2, KiB: 1024, B: 1 } as const;

/** Bytes of a size such as `256KiB`; a bare number and decimal units are refused with `config`. */
export function parseSize(text: string): number {
  const parts = /^(\d{1,12})(B|KiB|MiB|GiB)$/.exec(text);
  if (!parts) {
    throw new QightError("config", `${JSON.stringify(text.slice(0, 40))} is not a size: write 256KiB, 64MiB or 10GiB`);
  }
  const bytes = Number(parts[1]) * units[parts[2] as keyof typeof units];
  if (!Number.isSafeInteger(bytes)) throw new QightError("config", `${text} is too large`);
  return bytes;
}

/** The shortest text that `parseSize` reads back as `bytes`. */
export function formatSize(bytes: number): string {
  for (const [name, unit] of Object.entries(units)) {
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${name}`;
  }
  return "0B";
}
