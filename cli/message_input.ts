/** What a user wants to send: text, data and files from arguments, stdin and disk. @module */
import { basename } from "node:path";
import { create } from "@bufbuild/protobuf";
import { QightError } from "../proto/errors.ts";
import { type Content, ContentSchema, FileSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import { readInput, readStdin } from "./read_input.ts";

/** Where the parts of one message come from. */
export interface MessageSources {
  /** The MESSAGE argument; `-` is stdin. */
  readonly message?: string;
  readonly files: readonly string[];
  /** Id of the message that this one answers, 16 bytes. */
  readonly replyTo?: Uint8Array;
}

/** No relay takes more in one message; keeps a mistyped path from filling memory. */
const LARGEST = 64 * 1024 * 1024;

/** Gathers the content; null when there is none at all (empty stdin, no files). A terminal is never read. */
export async function readContent({ message, files, replyTo }: MessageSources): Promise<Content | null> {
  const stdinWanted = message === "-" || (message === undefined && files.length === 0 && !Deno.stdin.isTerminal());
  const body = stdinWanted ? bodyOf(await readStdin(LARGEST)) : textBody(message ?? "");
  if (body.value.length === 0 && files.length === 0) return null;
  return create(ContentSchema, {
    body,
    files: await Promise.all(files.map(readFile)),
    replyTo: replyTo ?? new Uint8Array(0),
  });
}

/** A body with something in it or not. */
export type Body = { case: "text"; value: string } | { case: "data"; value: Uint8Array };

/** The content of a body alone. */
export function contentOf(body: Body, replyTo?: Uint8Array): Content {
  return create(ContentSchema, { body, replyTo: replyTo ?? new Uint8Array(0) });
}

/** Text without its last line end (`echo hi |` and `"hi"` are the same message); what is no UTF-8 stays bytes. */
export function bodyOf(bytes: Uint8Array): Body {
  try {
    return textBody(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, ""));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { case: "data", value: bytes };
  }
}

function textBody(value: string): Body {
  return { case: "text", value };
}

async function readFile(path: string) {
  if (path === "-") throw new QightError("usage", "-f takes a path; for standard input leave MESSAGE out or write -");
  return create(FileSchema, { name: basename(path), data: await readInput(path, LARGEST) });
}
