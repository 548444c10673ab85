/** How many of something, in words that fit one as well. @module */

/** `1 line`, `2 lines`; `noun` in the singular, of those that take an s. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
