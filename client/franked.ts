/**
 * Whether a message is what its envelope commits to, and what is kept of it to prove that to others.
 * @module
 */
import type { OpenedEnvelope } from "../crypto/envelope.ts";
import { opensCommitment } from "../crypto/franking.ts";
import type { Franked, InboxMessage, Said } from "./inbox_events.ts";
import type { ReportableTable } from "./storage/store.ts";

/** So long somebody can report what was read. */
const KEEP_MS = 7 * 24 * 3600_000;

/** Envelopes and contents kept together, bytes. */
const KEPT_BYTES = 16 * 1024 * 1024;

/**
 * The proof in an opened message. Null when its sender committed to nothing, as older programs do. `content`: its bytes as
 * they were sent, or null when they are not there exactly once.
 */
export async function openFranking(
  { commitment, bytes: envelope }: Pick<OpenedEnvelope, "commitment" | "bytes">,
  frankingKey: Uint8Array,
  content: Uint8Array | null,
): Promise<Franked | null | "bad_commitment"> {
  if (commitment.length === 0) return null;
  if (!content || !await opensCommitment(commitment, frankingKey, content)) return "bad_commitment";
  return { envelope, frankingKey, content };
}

/** The proof in plain content: it stands under the signature itself, and there is no key to it. */
export function provenByItself(
  { bytes: envelope, payload: content }: Pick<OpenedEnvelope, "bytes" | "payload">,
): Franked {
  return { envelope, frankingKey: new Uint8Array(0), content };
}

/** Inside a transaction: keeps the proof of what was read, for a week, or for as long as its line stays. */
export function keepProof(
  reportable: ReportableTable,
  { id, from: account, content, franked }: Pick<InboxMessage | Said, "id" | "from" | "content" | "franked">,
  nowMs: number,
): void {
  if (!franked) return;
  const { action, disappearAfterS } = content;
  const target = action.case === "edit" ? action.value.target : null;
  const keepMs = disappearAfterS > 0 ? Math.min(KEEP_MS, disappearAfterS * 1000) : KEEP_MS;
  reportable.put({ ...franked, id, account, target, forgetAtMs: nowMs + keepMs }, KEPT_BYTES);
}
