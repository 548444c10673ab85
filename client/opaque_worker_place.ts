/**
 * Where the code of the thread that stretches passwords is. `deno task build` puts the place in a bundle here: a file
 * beside the program.
 * @module
 */

/** What `new Worker` is given. */
export const opaqueWorkerPlace: URL = new URL("./opaque_worker.ts", import.meta.url);
