/** `qight relay token list`: the access tokens, without what they are. @module */
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

interface Token {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly expires_at: string | null;
}

/** Prints one line for each token. */
export async function run({ settings, out }: Call): Promise<void> {
  for (const token of await askRelay(settings, "token.list") as Token[]) {
    await out.result(token, `${token.id}  ${token.created_at}  ${token.expires_at ?? "for ever"}  ${token.name}`);
  }
}
