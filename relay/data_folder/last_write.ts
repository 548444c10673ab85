/**
 * When a relay was last at work, as the times of its files tell.
 * @module
 */

/** When a database or its log was last written, milliseconds since 1970 by the clock of then; null when there is none. */
export async function lastWriteMs(database: string): Promise<number | null> {
  const times: number[] = [];
  for (const file of [database, `${database}-wal`]) {
    try {
      const { mtime } = await Deno.stat(file);
      if (mtime !== null) times.push(mtime.getTime());
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }
  return times.length === 0 ? null : Math.max(...times);
}
