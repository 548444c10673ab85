/** Runs a command for a message: body on its stdin, fields in its environment, never through a shell. @module */
import { formatMessageId } from "../client/message_id.ts";
import type { InboxMessage } from "../client/inbox.ts";
import { formatAccountId } from "../crypto/account.ts";
import { QightError } from "../proto/errors.ts";
import { bodyBytes, rfc3339 } from "./message_output.ts";

/** Resolves when the command exited 0; everything else is `exec_failed` (74). */
export async function execFor(
  [command, ...args]: readonly string[],
  message: InboxMessage,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const env = {
    QIGHT_ID: formatMessageId(message.id),
    QIGHT_FROM: formatAccountId(message.from),
    QIGHT_TO: to,
    QIGHT_SEQ: String(message.seq),
    QIGHT_SENT_AT: rfc3339(message.sentAtMs),
  };
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(command, { args, env, stdin: "piped", stdout: "inherit", stderr: "inherit" }).spawn();
  } catch (error) {
    throw new QightError("exec_failed", `Cannot run ${command}: ${(error as Error).message}`, { cause: error });
  }
  const stop = () => child.kill("SIGTERM");
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
