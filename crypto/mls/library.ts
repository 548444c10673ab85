/** Loads ts-mls when MLS is first used: the start of other commands does not pay for it. @module */
import { QightError } from "../../proto/errors.ts";

/** The parts of ts-mls that are used. */
export type Library = typeof import("./library_parts.ts");

let loading: Promise<Library> | undefined;
let loaded: Library | undefined;

/** Loads ts-mls once. */
export function library(): Promise<Library> {
  return loading ??= import("./library_parts.ts").then((parts) => loaded = parts);
}

/** For functions that do not wait: whoever holds a group's state has loaded ts-mls already. */
export function loadedLibrary(): Library {
  if (loaded === undefined) throw new QightError("invariant", "A group's state exists, but ts-mls was never loaded");
  return loaded;
}
