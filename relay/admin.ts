/**
 * The operator's door: one JSON object a line over a unix socket in a folder that only its owner may enter; on Windows
 * over a port of the loopback interface with a secret in that folder.
 *
 *   -> {"id":1,"method":"status","params":{}}
 *   <- {"id":1,"result":{…}}   or   {"id":1,"error":{"code","message","hint","retry_after_ms"}}
 * @module
 */

import { dirname } from "node:path";
import { asQightError, type ErrorCode, errorTable, QightError } from "../proto/errors.ts";
import { jsonLines } from "./admin/json_lines.ts";
import { enter, letIn, listenOnLoopback, readDoor } from "./admin/loopback_door.ts";
import { makeSocketFolder, removeStaleSocket } from "./admin/socket_folder.ts";
import { notRunning, pathError } from "./data_folder/folder.ts";
import { removeIfThere } from "./data_folder/private_file.ts";

/** Parameters of an admin call as they came; handlers check them. */
export type AdminParams = Readonly<Record<string, unknown>>;

/** Admin methods by name. */
export type AdminHandlers = Readonly<Record<string, (params: AdminParams) => Promise<unknown>>>;

/** A listening admin socket, or its stand-in. */
export interface AdminServer {
  readonly socketPath: string;
  /** Stops listening, ends connections and removes what lies at the path; answers under way are lost. */
  close(): Promise<void>;
}

const mostConnections = 16;
/** Both ends are on one machine. */
const PROOF_MS = 2_000;

/** Listens; throws `already_running` when somebody answers there, `insecure_config` when others may enter the folder. */
export async function startAdmin(options: {
  socketPath: string;
  handlers: AdminHandlers;
  /** Told of connections that broke; by default one line on standard error. */
  onError?: (error: Error) => void;
  /** A port of the loopback interface instead of a unix socket; on Windows, unless told. */
  loopback?: boolean;
}): Promise<AdminServer> {
  const { socketPath, handlers, onError = (error) => console.error(`admin socket: ${error.message}`) } = options;
  await makeSocketFolder(dirname(socketPath));
  await removeStaleSocket(socketPath);
  const { listener, secret } = options.loopback ?? Deno.build.os === "windows"
    ? await listenOnLoopback(socketPath)
    : { listener: listen(socketPath), secret: null };
  const open = new Set<Deno.Conn>();
  let closed = false;
  const accepting = (async () => {
    while (!closed) {
      const connection = await listener.accept().catch((thrown) => thrown as Error);
      if (connection instanceof Error) {
        if (closed) return;
        onError(connection); // out of file descriptors, most likely: the next try must not spin
        await new Promise((resolve) => setTimeout(resolve, 100));
      } else if (open.size >= mostConnections) closeQuietly(connection);
      else {
        open.add(connection);
        serve(connection, handlers, secret, onError).finally(() => {
          open.delete(connection);
          closeQuietly(connection);
        });
      }
    }
  })();
  return {
    socketPath,
    async close() {
      if (closed) return;
      closed = true;
      listener.close();
      for (const connection of open) closeQuietly(connection);
      await accepting;
      await removeIfThere(socketPath);
    },
  };
}

/** Calls a method of the relay that owns the socket; its errors arrive with their codes, silence is `unreachable`. */
export async function adminCall(socketPath: string, method: string, params: AdminParams = {}): Promise<unknown> {
  const door = await readDoor(socketPath);
  let connection: Deno.Conn;
  try {
    connection = door === null
      ? await Deno.connect({ transport: "unix", path: socketPath })
      : await Deno.connect({ transport: "tcp", hostname: "127.0.0.1", port: door.port });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.PermissionDenied) {
      throw pathError("not_allowed", "Only the relay's user may use", socketPath, thrown);
    }
    throw notRunning(socketPath, thrown);
  }
  const lines = jsonLines(connection);
  try {
    if (door !== null) await enter(lines, (value) => writeLine(connection, value), door.secret);
    await writeLine(connection, { id: 1, method, params });
    for await (const answer of lines) return resultOf(answer);
  } catch (thrown) {
    if (thrown instanceof QightError) throw thrown;
    throw pathError("io", "Talking to the relay failed at", socketPath, thrown);
  } finally {
    closeQuietly(connection);
  }
  throw new QightError("unreachable", `The relay ended before it answered at ${socketPath}`);
}

function listen(socketPath: string): Deno.UnixListener {
  let listener: Deno.UnixListener | null = null;
  try {
    listener = Deno.listen({ transport: "unix", path: socketPath });
    // The folder already keeps others out; Deno makes the socket 0755.
    Deno.chmodSync(socketPath, 0o600);
    return listener;
  } catch (thrown) {
    listener?.close();
    throw pathError("cannot_create", "Cannot make the admin socket", socketPath, thrown);
  }
}

async function serve(
  connection: Deno.Conn,
  handlers: AdminHandlers,
  /** What the caller has to know; null where the folder keeps others out. */
  secret: Uint8Array | null,
  onError: (error: Error) => void,
): Promise<void> {
  const lines = jsonLines(connection);
  try {
    if (secret !== null && !await inTime(connection, letIn(lines, (value) => writeLine(connection, value), secret))) {
      return;
    }
    for await (const request of lines) await writeLine(connection, await answer(request, handlers));
  } catch (thrown) {
    // What is no JSON gets told so; a caller that went away, or was closed with the relay, is nobody's trouble.
    if (callerLeft(thrown)) return;
    const error = asQightError(thrown);
    if (error.code === "bad_frame") await writeLine(connection, { id: null, error: shown(error) }).catch(onError);
    else onError(error);
  }
}

/** Ends a connection that does not prove itself in time: strangers must not hold all of them. */
async function inTime(connection: Deno.Conn, proving: Promise<boolean>): Promise<boolean> {
  const timer = setTimeout(() => closeQuietly(connection), PROOF_MS);
  try {
    return await proving;
  } finally {
    clearTimeout(timer);
  }
}

function callerLeft(thrown: unknown): boolean {
  const { BrokenPipe, ConnectionReset, BadResource, Interrupted } = Deno.errors;
  return [BrokenPipe, ConnectionReset, BadResource, Interrupted].some((kind) => thrown instanceof kind);
}

async function answer(request: unknown, handlers: AdminHandlers): Promise<unknown> {
  const { id = null, method, params = {} } = (request ?? {}) as Record<string, unknown>;
  try {
    if (typeof method !== "string" || !Object.hasOwn(handlers, method)) {
      throw new QightError("unknown_method", `The relay knows no admin method ${JSON.stringify(method)}`);
    }
    if (typeof params !== "object" || params === null || Array.isArray(params)) {
      throw new QightError("usage", "params must be an object");
    }
    return { id, result: await handlers[method](params as AdminParams) ?? null };
  } catch (thrown) {
    return { id, error: shown(asQightError(thrown)) };
  }
}

function shown({ code, message, hint, retryAfterMs }: QightError) {
  return { code, message, hint, retry_after_ms: retryAfterMs };
}

function resultOf(answer: unknown): unknown {
  const { result, error } = (answer ?? {}) as Record<string, unknown>;
  if (error === undefined) return result ?? null;
  const { code, message, hint, retry_after_ms } = error as Record<string, unknown>;
  const known = typeof code === "string" && Object.hasOwn(errorTable, code);
  throw new QightError(known ? code as ErrorCode : "internal", typeof message === "string" ? message : undefined, {
    hint: typeof hint === "string" ? hint : undefined,
    retryAfterMs: typeof retry_after_ms === "number" ? retry_after_ms : undefined,
  });
}

async function writeLine(connection: Deno.Conn, value: unknown): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(value) + "\n");
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.BadResource)) throw thrown; // closed already, which is what was wanted
  }
}
