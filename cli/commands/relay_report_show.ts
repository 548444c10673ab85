/** `qight relay report show`: what was sent, as its sender signed it. @module */
import { escapeControls, escapeLine } from "../escape.ts";
import { printFields } from "../fields.ts";
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

interface ShownMessage {
  readonly device: string;
  readonly listed: boolean;
  readonly sent_at: string;
  readonly to_group: boolean;
  readonly kind: string;
  readonly text?: string;
  readonly data?: string;
  /** Text or data is longer than what is shown. */
  readonly cut?: boolean;
  readonly files?: readonly { readonly name: string; readonly bytes: number }[];
}

interface Shown extends Record<string, unknown> {
  readonly reason: string;
  readonly messages: readonly ShownMessage[];
}

/** Prints who reported whom and why, then each message with what it proves. */
export async function run({ args, settings, out }: Call): Promise<void> {
  const shown = await askRelay(settings, "report.show", { id: args[0] }) as Shown;
  if (out.json) return await out.object(shown);
  const { messages, reason, ...facts } = shown;
  await printFields(out, { ...facts, ...(reason === "" ? {} : { reason: escapeLine(reason) }) });
  for (const message of messages) {
    await out.line("");
    await out.line(`${message.sent_at}  ${message.device}${message.to_group ? "  in a conversation" : ""}`);
    if (!message.listed) {
      await out.line("  NOT PROVEN: the account did not list this device when the message was reported.");
    }
    await out.line(`  ${wordsOf(message).replace(/\n/g, "\n  ")}`);
    if (message.cut) await out.line("  … (the beginning of it)");
    for (const { name, bytes } of message.files ?? []) await out.line(`  file ${escapeLine(name)} (${bytes} bytes)`);
  }
}

function wordsOf({ kind, text, data }: ShownMessage): string {
  if (text !== undefined) return `${kind === "text" ? "" : `${kind}: `}${escapeControls(text)}`;
  return data === undefined ? kind : `${kind}: ${data} (base64)`;
}
