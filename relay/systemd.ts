/**
 * Tells systemd when the relay is ready, when it stops, and again and again that it lives (`Type=notify`, `WatchdogSec=`).
 * @module
 */

/** States of sd_notify(3) that the relay uses. */
export type ServiceState = "READY=1" | "STOPPING=1" | "WATCHDOG=1";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Sends a state to `$NOTIFY_SOCKET`; false when there is none. A service manager that does not answer must not stop
 * the relay, so trouble is returned as an error for the log.
 */
export async function notifySystemd(
  state: ServiceState,
  env: Environment = Deno.env.toObject(),
): Promise<boolean | Error> {
  const socket = env.NOTIFY_SOCKET;
  if (!socket) return false;
  // sd_notify(3): a leading @ stands for the NUL of the abstract namespace.
  const path = socket.startsWith("@") ? `\0${socket.slice(1)}` : socket;
  try {
    const connection = Deno.listenDatagram({ transport: "unixpacket" });
    try {
      await connection.send(new TextEncoder().encode(state), { transport: "unixpacket", path });
    } finally {
      connection.close();
    }
    return true;
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}

/** Milliseconds within which systemd wants to hear from this process; null when it does not watch it. */
export function watchdogMs(env: Environment, pid: number): number | null {
  // sd_watchdog_enabled(3): a variable that was inherited from another process does not count.
  if (env.WATCHDOG_PID && Number(env.WATCHDOG_PID) !== pid) return null;
  const microseconds = Number(env.WATCHDOG_USEC);
  return Number.isSafeInteger(microseconds) && microseconds > 0 ? microseconds / 1000 : null;
}

/**
 * Tells systemd three times within its limit that the event loop turns, for as long as it does. A disk that hangs does
 * not end the relay this way: its thread waits, and the relay goes on answering. The first failure goes to `trouble`.
 */
export function answerWatchdog(options: {
  readonly trouble: (error: Error) => void;
  readonly env?: Environment;
  readonly pid?: number;
  /** Calls again and again and returns what ends it; real time unless handed in. */
  readonly every?: (ms: number, call: () => void) => () => void;
}): Disposable {
  const { trouble, env = Deno.env.toObject(), pid = Deno.pid, every = inRealTime } = options;
  const limit = watchdogMs(env, pid);
  if (limit === null) return { [Symbol.dispose]() {} };
  let told = false;
  let telling = false;
  const end = every(limit / 3, async () => {
    if (telling) return; // a manager that reads nothing holds the sender up; its sockets must not pile up
    telling = true;
    const outcome = await notifySystemd("WATCHDOG=1", env);
    telling = false;
    if (!(outcome instanceof Error) || told) return;
    told = true;
    trouble(outcome);
  });
  return { [Symbol.dispose]: end };
}

function inRealTime(ms: number, call: () => void): () => void {
  const timer = setInterval(call, ms);
  return () => clearInterval(timer);
}
