/**
 * Writes the generated parts of docs/: errors.md and the method table of protocol.md from the tables in proto/,
 * commands.md from the command tree, expectations.md from the names of tests.
 * `--check` only says whether they are fresh.
 * @module
 */
import { fileURLToPath } from "node:url";
import { type ErrorCode, errorTable } from "../proto/errors.ts";
import { exitCodes } from "../proto/exit_codes.ts";
import { Caller } from "../proto/gen/qight/v1/options_pb.ts";
import { type Method, methods, services } from "../proto/methods.ts";
import { commandsPage } from "./commands_page.ts";
import { allProofs, expectationsPage } from "./expectations_page.ts";

const BEGIN = "<!-- generated from proto/methods.ts by scripts/gen_docs.ts: begin -->";
const END = "<!-- generated: end -->";

/** The page of all error codes. */
export function errorsPage(): string {
  const rows = (Object.keys(errorTable) as ErrorCode[])
    .sort((a, b) => errorTable[a].number - errorTable[b].number)
    .map((code) => {
      const { number, sentence, exit, hint } = errorTable[code];
      return `| \`${code}\` | ${number} | ${exit} | ${cell(sentence)}. | ${cell(hint)} |`;
    });
  return [
    "# Errors",
    "",
    "Generated from `proto/errors.ts` by `deno task gen`; do not edit.",
    "",
    "Programs match the code, people read the sentence. With `--json` an error is one object on stderr:",
    '`{"error":{"code","message","hint","exit"}}`. A number is never given to another code.',
    "",
    "## Exit codes",
    "",
    "| Exit | When |",
    "|---|---|",
    ...exitCodes.map(([exit, when]) => `| ${exit} | ${when} |`),
    "",
    "## Codes",
    "",
    "| Code | Number | Exit | What it says | What to do |",
    "|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

/** The table of every call, for the protocol page. */
export function methodTable(): string {
  const rows = services.flatMap((service) => [...methods.values()].filter((row) => row.service === service.name))
    .map((row) =>
      `| ${row.number} | \`${row.service}.${row.name}\` | ${shape(row)} | ${who(row.caller)} | ${
        row.mls ? "`storage.max_mls`" : row.maxRequest === 0 ? "one envelope" : `${row.maxRequest} B`
      } | ${row.waits ? "none" : "request timeout"} |`
    );
  return [
    "| Number | Call | Shape | Who may call | Largest request frame | Deadline at the relay |",
    "|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

/** A page with the part between the markers replaced. */
export function withMethodTable(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error("docs/protocol.md has lost its markers");
  return `${page.slice(0, begin + BEGIN.length)}\n\n${methodTable()}\n\n${page.slice(end)}`;
}

function shape({ streaming: { request, response } }: Method): string {
  if (request && response) return "many in, many out";
  if (response) return "one in, many out";
  return request ? "many in, one out" : "one in, one out";
}

function who(caller: Caller): string {
  switch (caller) {
    case Caller.ANYONE:
      return "anyone, before HELLO too";
    case Caller.SESSION:
      return "an admitted session";
    case Caller.DEVICE:
      return "a proven device";
    case Caller.PROVEN:
      return "a proven device, admitted or not";
    case Caller.UNSPECIFIED:
      throw new Error("A call does not say who may call it");
  }
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) {
  const at = (name: string) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url));
  const protocol = await Deno.readTextFile(at("protocol.md"));
  const made = [
    ["errors.md", errorsPage()],
    ["protocol.md", withMethodTable(protocol)],
    ["commands.md", commandsPage()],
    ["expectations.md", expectationsPage(await allProofs(new URL("../", import.meta.url)))],
  ] as const;
  if (Deno.args.includes("--check")) {
    const stale: string[] = [];
    for (const [name, text] of made) if (await Deno.readTextFile(at(name)) !== text) stale.push(name);
    if (stale.length > 0) {
      console.error(`docs are not fresh: ${stale.join(", ")}. Run: deno task gen`);
      Deno.exit(1);
    }
    console.log(`${made.length} generated pages are fresh`);
  } else {
    for (const [name, text] of made) await Deno.writeTextFile(at(name), text);
  }
}
