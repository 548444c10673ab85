/**
 * Where the code of the SQLite thread is. `deno task build` puts the place in a bundle here: a file beside the program.
 * @module
 */

/** What `new Worker` is given. */
export const sqliteWorkerPlace: URL = new URL("./sqlite_worker.ts", import.meta.url);
