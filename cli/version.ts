/** The version that `qight version` prints; kept equal to deno.json by a test. @module */

/** Version of qight, without a leading "v". */
export const VERSION = "0.1.0";
