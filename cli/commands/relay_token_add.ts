/** `qight relay token add`: a new access token. @module */
import { parseDuration } from "../../relay/config/durations.ts";
import { askRelay } from "../relay_admin.ts";
import type { relayTokenAddSpec } from "../tree/relay.ts";
import type { Call } from "../tree/spec.ts";

/** Prints the token; the relay keeps only its hash. */
export async function run({ options, settings, out }: Call<typeof relayTokenAddSpec>): Promise<void> {
  const answer = await askRelay(settings, "token.add", {
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.ttl === undefined ? {} : { ttl_ms: parseDuration(options.ttl) }),
  }) as { token: string };
  await out.result(answer, answer.token);
}
