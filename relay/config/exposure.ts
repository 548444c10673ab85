/**
 * Refuses a relay that is open to the world unless the operator says so.
 * @module
 */

import { QightError } from "../../proto/errors.ts";
import { isLoopback, parseHostPort } from "./addresses.ts";

/** Addresses that other machines can reach: QUIC and WebSocket. */
export function publicAddresses(config: {
  readonly listen: readonly string[];
  readonly websocket: { readonly listen: readonly string[] | null };
}): string[] {
  const all = [...config.listen, ...(config.websocket.listen ?? [])];
  return [...new Set(all)].filter((address) => !isLoopback(parseHostPort(address).hostname));
}

/** Throws `insecure_config` when anybody who can reach the relay could use it and `--allow-open` was not given. */
export function checkOpenToTheWorld(
  config: {
    readonly listen: readonly string[];
    readonly websocket: { readonly listen: readonly string[] | null };
    readonly auth: { readonly mode: string };
  },
  allowOpen: boolean,
): void {
  if (config.auth.mode !== "open" || allowOpen) return;
  const [first] = publicAddresses(config);
  if (first === undefined) return;
  throw new QightError("insecure_config", `auth.mode is open and listen has ${first}: everybody could use this relay`, {
    hint: 'Set auth.mode = "token" (qight relay token add), or give --allow-open if you mean it.',
  });
}
