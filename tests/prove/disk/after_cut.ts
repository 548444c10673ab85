/**
 * What must be true of a database that somebody finds after a power cut or a fault.
 * @module
 */
import { asNewMessage, type Letter } from "./load.ts";
import { Reopened } from "./reopened.ts";

/** What was found. */
export interface AfterCut {
  /** Messages in the database. */
  readonly present: number;
  readonly complaints: string[];
}

/** Opens the database as the relay does and compares it with what clients knew at `atUs`. */
export async function afterCut(path: string, letters: readonly Letter[], atUs: number): Promise<AfterCut> {
  const complaints: string[] = [];
  const nowMs = Date.now();
  let present = 0;
  try {
    using store = new Reopened(path, nowMs);
    complaints.push(...store.check().map((found) => `the check says: ${found}`));
    const mailboxes = new Map(letters.map((letter) => [letter.mailbox.toHex(), letter.mailbox]));
    for (const [name, mailbox] of mailboxes) {
      const known = letters.filter((letter) => letter.mailbox.toHex() === name && letter.sentUs <= atUs);
      present += await compare(store, mailbox, known, atUs, complaints);
    }
    complaints.push(...store.check().map((found) => `after repeats the check says: ${found}`));
  } catch (thrown) {
    complaints.push(`it does not open: ${wordsOf(thrown)}`);
  }
  return { present, complaints };
}

async function compare(
  store: Reopened,
  mailbox: Uint8Array,
  known: readonly Letter[],
  atUs: number,
  complaints: string[],
): Promise<number> {
  const byEnvelope = new Map(known.map((letter) => [textOf(letter.envelope), letter]));
  const found = new Map<string, number>();
  const stored = store.messages(mailbox);
  for (const { seq, envelope } of stored) {
    const text = textOf(envelope);
    const letter = byEnvelope.get(text);
    if (!letter) complaints.push(`message ${seq} is none that was sent by then`);
    else if (found.has(text)) complaints.push(`message ${seq} is there twice`);
    else if (letter.ackedUs < atUs) complaints.push(`message ${seq} came back after its reader's acknowledgement`);
    found.set(text, seq);
  }
  const accepted = known.filter((letter) => letter.acceptedUs < atUs);
  for (const letter of accepted) {
    const seq = found.get(textOf(letter.envelope));
    if (seq === undefined && letter.ackBegunUs > atUs) {
      complaints.push(`message ${letter.seq} was accepted and is lost`);
    }
    if (seq !== undefined && seq !== letter.seq) complaints.push(`message ${letter.seq} has become ${seq}`);
  }
  if (accepted.length === 0) return stored.length;
  const highest = accepted.reduce((most, { seq }) => Math.max(most, seq), 0);
  await repeat(store, accepted, highest, complaints);
  return stored.length;
}

/** A retry is recognised, also after it was read; a new message gets a number that nobody was told before. */
async function repeat(
  store: Reopened,
  accepted: readonly Letter[],
  highest: number,
  complaints: string[],
): Promise<void> {
  const some = accepted.slice(-20);
  const again = store.enqueue(await Promise.all(some.map(({ envelope }) => asNewMessage(envelope, Date.now()))));
  again.forEach((outcome, i) => {
    if (outcome.kind !== "duplicate" || outcome.seq !== some[i].seq) {
      complaints.push(`a repeat of message ${some[i].seq} was taken as ${JSON.stringify(outcome)}`);
    }
  });
  const other = await asNewMessage(some[0].envelope, Date.now());
  const [next] = store.enqueue([{ ...other, id: crypto.getRandomValues(new Uint8Array(16)) }]);
  if (next.kind !== "stored" || next.seq <= highest) {
    complaints.push(`a new message after ${highest} became ${JSON.stringify(next)}`);
  }
}

/** An error while the store closes hides the one that came before it. */
function wordsOf(thrown: unknown): string {
  if (thrown instanceof SuppressedError) return `${wordsOf(thrown.suppressed)}; then ${wordsOf(thrown.error)}`;
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function textOf(envelope: Uint8Array): string {
  return envelope.toBase64();
}
