/** The checker of groups passes what is right and names the reader of what is not. @module */
import assert from "node:assert/strict";
import type { Entry } from "../ledger.ts";
import { checkFanOut } from "./fan_out.ts";

const readers = ["ada", "bob", "cat"];
const honest: Entry[] = ["ada", "bob"].flatMap((sender) => {
  const text = `from ${sender}`, id = sender, n = 0;
  const shown = readers.filter((reader) => reader !== sender)
    .map((reader): Entry => ({ kind: "shown", text, id, reader, seq: sender === "ada" ? 3 : 7 }));
  return [{ kind: "intent", text, sender, n }, { kind: "ack", text, sender, n, id }, ...shown];
});
const isShown = (reader: string, sender: string) => (entry: Entry) =>
  entry.kind === "shown" && entry.reader === reader && entry.id === sender;

Deno.test("what each member but its sender showed once is complete, whatever numbers notices took", () => {
  assert.deepEqual(checkFanOut(honest, readers), { sent: 2, shown: 4, redelivered: 0, complaints: [] });
});

Deno.test("a message that one of the members never showed is lost there", () => {
  const entries = honest.filter((entry) => !isShown("cat", "ada")(entry));
  assert.match(checkFanOut(entries, readers).complaints.join(), /^1 lost at cat/);
  assert.deepEqual(checkFanOut(entries, ["ada", "bob"], ["cat"]).complaints, [], "a guest may have missed it");
});

Deno.test("a message that a member, or a guest, showed twice is doubled there", () => {
  const entries = [...honest, { ...honest.find(isShown("cat", "ada"))!, seq: 9 }];
  assert.match(checkFanOut(entries, readers).complaints.join(), /1 doubled at cat/);
  assert.match(checkFanOut(entries, ["ada", "bob"], ["cat"]).complaints.join(), /1 doubled at cat/);
});
