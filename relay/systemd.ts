/**
 * Tells systemd when the relay is ready and when it stops (`Type=notify`).
 * @module
 */

/** States of sd_notify(3) that the relay uses. */
export type ServiceState = "READY=1" | "STOPPING=1";

/**
 * Sends a state to `$NOTIFY_SOCKET`; false when there is none. A service manager that does not answer must not stop
 * the relay, so trouble is returned as an error for the log.
 */
export async function notifySystemd(
  state: ServiceState,
  env: Readonly<Record<string, string | undefined>> = Deno.env.toObject(),
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
