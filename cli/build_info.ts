/** What a build says of itself; `deno task build` puts the facts in the place of this file. @module */

/** Facts of a build. */
export interface BuildInfo {
  /** Revision of the source, with `-dirty` behind it when the source had other changes; null when nobody knew. */
  readonly commit: string | null;
  /** Versions of what the file carries, by name: glibc, sqlite and so on. */
  readonly embedded: Readonly<Record<string, string>>;
}

/** Null when qight runs from source. */
export const buildInfo: BuildInfo | null = null as BuildInfo | null;
