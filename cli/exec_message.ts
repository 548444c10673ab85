/** Runs a command for a message: body on its stdin, fields in its environment, never through a shell. @module */
import { formatMessageId } from "../client/message_id.ts";
import type { InboxMessage } from "../client/inbox.ts";
import { formatAccountId } from "../crypto/account.ts";
import { QightError } from "../proto/errors.ts";
import { bodyBytes, rfc3339, whereName } from "./message_output.ts";

/**
 * Resolves when the command exited 0; everything else is `exec_failed` (74). `to` is the own id, `name` the sender's
 * contact name, if they have one, `files` the paths of what came along and was saved.
 */
export async function execFor(
  [command, ...args]: readonly string[],
  message: InboxMessage,
  { to, name, files }: { readonly to: string; readonly name: string | undefined; readonly files: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  const env = {
    QIGHT_ID: formatMessageId(message.id),
    QIGHT_FROM: formatAccountId(message.from),
    // Set for a stranger too: a command that runs qight itself must not hand the name of its own sender on.
    QIGHT_FROM_NAME: name ?? "",
    QIGHT_TO: to,
    QIGHT_IN: whereName(message.in),
    QIGHT_VIA: message.via,
    QIGHT_SEQ: String(message.seq),
    QIGHT_SENT_AT: rfc3339(message.sentAtMs),
    // Saved names have no line ends (client/storage/save_files.ts).
    QIGHT_FILES: files.join("\n"),
  };
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(command, { args, env, stdin: "piped", stdout: "inherit", stderr: "inherit" }).spawn();
  } catch (error) {
    throw new QightError("exec_failed", `Cannot run ${command}: ${(error as Error).message}`, { cause: error });
  }
  let running = true;
  child.status.then(() => running = false);
  // Its body may still be on the way to somebody it started when the command itself is gone.
  const stop = () => running && child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  try {
    const [status] = await Promise.all([child.status, feed(child, bodyBytes(message))]);
    signal.throwIfAborted();
    if (status.success) return;
    const how = status.signal ? `was ended by ${status.signal}` : `exited with ${status.code}`;
    throw new QightError("exec_failed", `${command} ${how}`);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** A command need not read its stdin. */
async function feed(child: Deno.ChildProcess, body: Uint8Array): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(body);
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
