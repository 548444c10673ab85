/** Shows a page of the manual to a person: by man(1), else as plain text by $PAGER, else on stdout. @module */
import { join } from "node:path";
import { QightError } from "../../proto/errors.ts";
import type { Output } from "../output.ts";
import type { Env } from "../paths.ts";

/** A page in both forms. */
export interface Page {
  readonly name: string;
  readonly roff: string;
  readonly plain: string;
}

/** Shows the page and resolves when the reader has left it. */
export async function showPage(page: Page, out: Output, env: Env): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "qight-man-" });
  try {
    const path = join(folder, `${page.name}.1`);
    await Deno.writeTextFile(path, page.roff);
    // A name with a slash is a file for man-db, mandoc and the man of macOS.
    if (await shownBy(["man", path])) return;
    await Deno.writeTextFile(path, page.plain);
    const pager = env("PAGER")?.trim().split(/\s+/);
    if (pager && await shownBy([...pager, path])) return;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  await out.line(page.plain.trimEnd());
}

/** Whether the program was there and did it. */
async function shownBy([program, ...args]: string[]): Promise<boolean> {
  // ^C belongs to the program that has the screen: less stops a search with it.
  using _quiet = ignoringInterrupts();
  try {
    return (await new Deno.Command(program, { args }).spawn().status).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return false;
    throw new QightError("io", `Cannot run ${program}: ${(error as Error).message}`, { cause: error });
  }
}

function ignoringInterrupts(): Disposable {
  const nothing = () => undefined;
  Deno.addSignalListener("SIGINT", nothing);
  return { [Symbol.dispose]: () => Deno.removeSignalListener("SIGINT", nothing) };
}
