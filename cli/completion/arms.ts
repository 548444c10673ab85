/** The arms of the scripts' tables, the same for every shell: what leads where, what takes a value, what is what. @module */
import type { Kind } from "./kinds.ts";
import type { Place } from "./places.ts";

/** Patterns `path:word` and what they stand for. */
export type Arm = readonly [patterns: readonly string[], meaning: string];

/** A word that is a subcommand leads to a path. */
export function childArms(places: readonly Place[]): Arm[] {
  return places.flatMap(({ path, children }) =>
    children.map((child) => [child.names.map((name) => `${path}:${name}`), child.path] as const)
  );
}

/** An option that takes a value, and what that is. Global options are known everywhere (`anywhere` is any path). */
export function valueArms(places: readonly Place[], anywhere: string): Arm[] {
  return places.flatMap(({ path, flags }) =>
    flags.flatMap(({ names, value }) =>
      value === undefined
        ? []
        : [[names.map((name) => `${path === "" ? anywhere : path}:${name}`), meaning(value)] as const]
    )
  );
}

/** The arguments of a command by their number from 1; `any` is any number. */
export function argumentArms(places: readonly Place[], any: string): Arm[] {
  return places.flatMap(({ path, args, repeats }) =>
    args.flatMap((kind, index): Arm[] => {
      // Of a program that is to be run, the first word is the program, the others are most often files.
      if (kind === "program") return [[[`${path}:1`], kind], [[`${path}:${any}`], "file"]];
      const number = repeats && index === args.length - 1 ? any : index + 1;
      return kind === "text" ? [] : [[[`${path}:${number}`], meaning(kind)]];
    })
  );
}

/** Names that are handed on to the binary when it is asked for names, so that it looks into the same folders. */
export const handedOn = ["--context", "--identity", "-c", "--config", "--data-dir", "--passphrase-file"];

/** A kind as one word for the scripts; choices follow "=". */
function meaning(kind: Kind): string {
  return typeof kind === "string" ? kind : `=${kind.join(" ")}`;
}
