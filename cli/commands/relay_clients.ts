/** `qight relay clients`: who is connected. @module */
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

interface Client {
  readonly session: string | null;
  readonly transport: string;
  readonly address: string;
  readonly connected_at: string;
  readonly calls: number;
}

/** Prints one line for each connection; addresses are masked as the log's are. */
export async function run({ settings, out }: Call): Promise<void> {
  for (const client of await askRelay(settings, "clients") as Client[]) {
    const { connected_at, transport, address, calls } = client;
    await out.result(client, `${connected_at}  ${transport.padEnd(9)}  ${address}  ${calls} calls`);
  }
}
