/**
 * The rules of the house as functions over one file's path and text; tests/architecture_test.ts runs them over all.
 * @module
 */
import { posix } from "node:path";

/** Which folders each folder may import, besides itself. Scripts, tests and bench are outside: nothing imports them. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  proto: [],
  crypto: ["proto"],
  net: ["proto/errors.ts"],
  relay: ["proto", "crypto", "net"],
  client: ["proto", "crypto", "net"],
  cli: ["proto", "crypto", "net", "relay", "client", "mod.ts"],
  "mod.ts": ["proto", "crypto", "net", "relay", "client"],
};

/** Packages each folder may import; a folder that is not named here may import any. */
const mayImportPackages: Readonly<Record<string, RegExp>> = {
  proto: /^@bufbuild\/protobuf(\/|$)/,
  crypto:
    /^(@bufbuild\/protobuf|@noble|@hpke|@scure|hash-wasm|@peculiar|reflect-metadata|ts-mls|@serenity-kit\/opaque)(\/|$)/,
};

/** Folders that must also run in a browser, and the part of them that may not. */
const BROWSER = ["proto", "crypto", "client"];
const HANDED_IN = "client/storage/";

/** Names of Deno's QUIC, and the one file that may say them. */
const QUIC = /\bDeno\.(connectQuic|QuicEndpoint|upgradeWebTransport)\b/;
const QUIC_HOME = "net/quic.ts";

/** The MLS library, which is unaudited and has traps, and the one folder that knows them. */
const MLS = /^ts-mls(\/|$)/;
const MLS_HOME = "crypto/mls/";

/** The OPAQUE library, whose traps one file knows. */
const OPAQUE = "@serenity-kit/opaque";
const OPAQUE_HOME = "crypto/opaque.ts";

/** Lines from which a file is named as long, and lines that fail. */
export const WARN_LINES = 250;
export const MAX_LINES = 400;
/** Folders below a top folder. */
const MAX_DEPTH = 2;

/** What is wrong with a file, one sentence each; nothing when all is well. */
export function violations(path: string, text: string): string[] {
  const code = withoutComments(text);
  return [
    ...firstLine(text),
    ...length(text),
    ...name(path),
    ...imports(path, importsOf(code)),
    ...browser(path, code),
    ...quic(path, code),
    ...docstrings(path, text),
    ...leftovers(text),
  ];
}

/** Whether a file is longer than aimed at, though not yet too long. */
export function isLong(text: string): boolean {
  return lineCount(text) > WARN_LINES;
}

/** Pages that a comment names although the project does not carry them, for example a plan; docs/ stands alone. */
export function missingPages(text: string): string[] {
  const carried = /^(README|CHANGELOG|SECURITY|CONTRIBUTING|LICENSE)\./;
  return [...new Set(text.match(/\b[A-Z]{3,}\.md\b/g) ?? [])].filter((page) => !carried.test(page));
}

/** Specifiers of all imports and re-exports. */
export function importsOf(code: string): string[] {
  const found = code.matchAll(
    /(?:^|[\s;}])(?:(?:import|export)\s[^;'"]*?from\s*|import\s*\(?\s*)["']([^"']+)["']/g,
  );
  return [...found].map((match) => match[1]);
}

/** Comments hold examples of imports and words such as catch; rules about code do not look at them. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

function firstLine(text: string): string[] {
  const start = text.replace(/^#!.*\n/, "");
  const comment = /^\/\*\*[\s\S]*?\*\//.exec(start);
  return comment?.[0].includes("@module")
    ? []
    : ["the first line does not say what the room is for (/** … @module */)"];
}

function length(text: string): string[] {
  const lines = lineCount(text);
  return lines > MAX_LINES ? [`${lines} lines, more than ${MAX_LINES}`] : [];
}

function lineCount(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

function name(path: string): string[] {
  const parts = path.split("/");
  const wrong = parts.filter((part) => /^(utils?|helpers?|misc|common|stuff)\d*(\.ts)?$/.test(part));
  const problems = path.startsWith("tests/helpers/") ? [] : wrong.map((part) => `"${part}" names no thing`);
  if (parts.length - 2 > MAX_DEPTH) problems.push(`deeper than ${MAX_DEPTH} folders below ${parts[0]}`);
  return problems;
}

function imports(path: string, specifiers: readonly string[]): string[] {
  const top = path.split("/")[0];
  const allowed = mayImport[top];
  if (!allowed) return [];
  const problems: string[] = [];
  for (const specifier of specifiers) {
    if (specifier.startsWith("node:")) continue;
    if (!specifier.startsWith(".")) {
      if (mayImportPackages[top] && !mayImportPackages[top].test(specifier)) {
        problems.push(`${top} may not import the package ${specifier}`);
      }
      if (MLS.test(specifier) && !path.startsWith(MLS_HOME)) {
        problems.push(`only ${MLS_HOME} imports ${specifier}`);
      }
      if (specifier === OPAQUE && path !== OPAQUE_HOME) problems.push(`only ${OPAQUE_HOME} imports ${specifier}`);
      continue;
    }
    const target = posix.join(posix.dirname(path), specifier);
    const open = [...allowed, top].some((place) => target === place || target.startsWith(`${place}/`));
    if (!open) problems.push(`${top} may not import ${target}`);
    if (path.startsWith("relay/services/") && /^relay\/storage\/(?!store\.ts$)/.test(target)) {
      problems.push(`services see relay/storage/store.ts, not ${target}`);
    }
  }
  return problems;
}

function browser(path: string, code: string): string[] {
  if (!BROWSER.includes(path.split("/")[0]) || path.startsWith(HANDED_IN)) return [];
  const problems: string[] = [];
  const deno = /\bDeno\.\w+/.exec(code);
  if (deno) problems.push(`runs in browsers too, but says ${deno[0]}`);
  for (const specifier of importsOf(code)) {
    if (specifier.startsWith("node:")) problems.push(`runs in browsers too, but imports ${specifier}`);
  }
  return problems;
}

function quic(path: string, code: string): string[] {
  if (path === QUIC_HOME || !(path.split("/")[0] in mayImport)) return [];
  const found = QUIC.exec(code);
  return found ? [`only ${QUIC_HOME} touches ${found[0]}`] : [];
}

/** Exports of the rooms say what they are; constants directly below a documented one share its sentence. */
function docstrings(path: string, text: string): string[] {
  if (/^(tests|bench)\//.test(path)) return [];
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    const found = /^export (?:default |async |abstract )*(?:function\*?|class|interface|type|const|enum) (\w+)/.exec(
      line,
    );
    const before = lines[index - 1] ?? "";
    if (!found || before.endsWith("*/") || before.startsWith("export const ")) return [];
    return [`the export ${found[1]} says nothing about itself`];
  });
}

function leftovers(text: string): string[] {
  const problems: string[] = [];
  // Written apart so that this file passes its own rule.
  const mark = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`).exec(text);
  if (mark) problems.push(`says ${mark[0]}`);
  // In the text with its comments: a catch that says why is not empty.
  if (/\bcatch\s*(\([^)]*\))?\s*\{\s*\}/.test(text)) problems.push("swallows an error in an empty catch");
  return problems;
}
