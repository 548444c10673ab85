/** Text that a shell reads as itself. @module */

/** In single quotes, for bash and zsh (POSIX shell, 2.2.2). */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** In single quotes, for fish, which knows two escapes inside of them. */
export function fishQuoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
