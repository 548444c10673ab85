/** The comparison of row malicious-relay sees through each lie. @module */
import assert from "node:assert/strict";
import type { Misdeed } from "./misdeeds.ts";
import { compareNotes, type Notes } from "./notes.ts";

const ids = ["a", "b", "c", "d"];
const message = (id: string, text = `text of ${id}`) => JSON.stringify({ type: "message", id, text });
const gap = (number: number, from: string | null = "qid1ada") =>
  JSON.stringify({ type: "gap", from, from_device: "SHA256:ada", first: number, last: number });
const did = (misdeed: Misdeed["did"], id: string): Misdeed => ({ did: misdeed, id });

/** One sender, four messages, the second dropped and named. */
function notes(told: string[], more: Misdeed[] = []): Notes {
  return {
    senders: [{ device: "SHA256:ada", ids }],
    sent: new Map(ids.map((id) => [id, `text of ${id}`])),
    misdeeds: [did("dropped", "b"), did("duplicated", "a"), did("replayed", "a"), did("moved", "c"), ...more],
    told,
  };
}

const honest = [message("a"), message("c"), message("d"), gap(2)];

Deno.test("an honest reader behind a malicious relay has no complaint", () => {
  const { complaints, counts } = compareNotes(notes(honest));
  assert.deepEqual(complaints, []);
  assert.deepEqual([counts.shown, counts.dropped, counts.gaps_named, counts.shown_twice], [3, 1, 1, 0]);
});

const lies: { what: string; notes: Notes; complaint: RegExp }[] = [
  { what: "shown twice", notes: notes([...honest, message("a")]), complaint: /1 messages were shown twice/ },
  { what: "altered", notes: notes([message("a", "other"), ...honest.slice(1)]), complaint: /never sent so: a/ },
  { what: "not shown", notes: notes(honest.slice(1)), complaint: /it was not shown: a/ },
  { what: "a gap not named", notes: notes(honest.slice(0, 3)), complaint: /not named: SHA256:ada 2/ },
  { what: "a gap that is none", notes: notes([...honest, gap(4)]), complaint: /named, not missing: SHA256:ada 4/ },
  { what: "a gap named twice", notes: notes([...honest, gap(2)]), complaint: /named twice/ },
  { what: "a gap of nobody", notes: notes([...honest.slice(0, 3), gap(2, null)]), complaint: /without its account/ },
  {
    what: "something that is not a replay refused for its age",
    notes: notes([...honest, JSON.stringify({ type: "unreadable", reason: "too_old", id: "c" })]),
    complaint: /unexpected: /,
  },
  {
    what: "a relay that did nothing",
    notes: { ...notes(honest), misdeeds: [did("dropped", "b")] },
    complaint: /nothing/,
  },
];
for (const { what, notes, complaint } of lies) {
  Deno.test(`the comparison sees: ${what}`, () => {
    assert.match(compareNotes(notes).complaints.join("\n"), complaint);
  });
}
