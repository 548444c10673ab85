/**
 * Compares what was sent, what the relay did to it, and what the reader was told.
 * @module
 */
import type { Finding } from "../row.ts";
import type { Misdeed } from "./misdeeds.ts";

/** Everything that is known at the end. */
export interface Notes {
  /** Ids in the order of sending: the n-th is number n inside the seal. */
  readonly senders: readonly { readonly device: string; readonly ids: readonly string[] }[];
  /** Text by id. */
  readonly sent: ReadonlyMap<string, string>;
  readonly misdeeds: readonly Misdeed[];
  /** Lines of `fetch --json --events`, of all runs. */
  readonly told: readonly string[];
}

/** What the reader was told of one sender. */
interface Told {
  type: string;
  id: string;
  from: string | null;
  from_device: string;
  text: string;
  first: number;
  last: number;
  reason: string;
}

/** Counts, and a complaint for each lie that the reader did not see through. */
export function compareNotes({ senders, sent, misdeeds, told }: Notes): Finding {
  const events = told.map((line) => JSON.parse(line) as Told);
  const messages = events.filter(({ type }) => type === "message");
  const dropped = new Set(of(misdeeds, "dropped"));
  const shown = new Set(messages.map(({ id }) => id));
  const complaints: string[] = [];

  const twice = messages.length - shown.size;
  if (twice > 0) complaints.push(`${twice} messages were shown twice`);
  const altered = messages.filter(({ id, text }) => sent.get(id) !== text);
  complaints.push(...altered.map(({ id }) => `shown, but never sent so: ${id}`));
  const lost = [...sent.keys()].filter((id) => !dropped.has(id) && !shown.has(id));
  complaints.push(...lost.map((id) => `the relay handed it on, and it was not shown: ${id}`));

  const missing = senders.flatMap(({ device, ids }) =>
    ids.flatMap((id, at) => dropped.has(id) ? [`${device} ${at + 1}`] : [])
  );
  const named = events.filter(({ type }) => type === "gap").flatMap(({ from_device, first, last }) =>
    Array.from({ length: last - first + 1 }, (_, at) => `${from_device} ${first + at}`)
  );
  complaints.push(...missing.filter((number) => !named.includes(number)).map((number) => `not named: ${number}`));
  complaints.push(
    ...named.filter((number) => !missing.includes(number)).map((number) => `named, not missing: ${number}`),
  );
  if (new Set(named).size < named.length) complaints.push("a gap was named twice");
  if (events.some(({ type, from }) => type === "gap" && from === null)) complaints.push("a gap without its account");
  // What was forgotten may be refused for its age; what is known is passed over in silence.
  const replayed = new Set(of(misdeeds, "replayed"));
  const refused = events.filter(({ type, id, reason }) =>
    type === "unreadable" && reason === "too_old" && replayed.has(id) && shown.has(id)
  );
  const strange = events.filter((event) =>
    event.type !== "message" && event.type !== "gap" && !refused.includes(event)
  );
  complaints.push(...strange.map((event) => `unexpected: ${JSON.stringify(event)}`));

  // A run in which nothing happened proves nothing.
  for (const did of ["dropped", "duplicated", "replayed", "moved"] as const) {
    if (of(misdeeds, did).length === 0) complaints.push(`the malicious relay ${did} nothing`);
  }
  return {
    counts: {
      sent: sent.size,
      dropped: dropped.size,
      duplicated: of(misdeeds, "duplicated").length,
      shuffled: of(misdeeds, "moved").length,
      replayed: of(misdeeds, "replayed").length,
      refused_for_age: refused.length,
      shown: messages.length,
      gaps_named: named.length,
      shown_twice: twice,
    },
    complaints,
  };
}

function of(misdeeds: readonly Misdeed[], did: Misdeed["did"]): string[] {
  return misdeeds.filter((misdeed) => misdeed.did === did).map(({ id }) => id);
}
