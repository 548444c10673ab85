/** Transcripts: whatever was done to one, it names the line. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { accountFromSeed } from "../../crypto/account.ts";
import { signBundle } from "../../crypto/bundle.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { makeTranscript, openTranscript } from "../../crypto/transcript.ts";
import { QightError } from "../../proto/errors.ts";

const account = await accountFromSeed(new Uint8Array(32).fill(1));
const signer = await signerFromSeed(new Uint8Array(32).fill(2));
const mallory = await signerFromSeed(new Uint8Array(32).fill(3));
const bundle = await signBundle(account, {
  version: 1,
  createdAtMs: 1,
  expiresAtMs: 2,
  devices: [{ key: signer.publicKey, name: "laptop", addedAtMs: 1 }],
});
const said = ["one", "two", "three", "four", "five"];
const text = await makeTranscript(said, { signer, bundle });

/** The transcript with its rows changed; row 0 is the title, the last one the end. */
function with_(change: (rows: string[]) => void): string {
  const rows = text.trimEnd().split("\n");
  change(rows);
  return `${rows.join("\n")}\n`;
}

Deno.test("a transcript that nobody touched opens, says whose word it is, and keeps every character", async () => {
  const opened = await openTranscript(text);
  assert.deepEqual(opened, { lines: said, account: account.hash, device: signer.publicKey });
  const strange = ["", " ", "end 1 a b c", "\r\u2028\u202e\u0000", "2 3 4"];
  assert.deepEqual((await openTranscript(await makeTranscript(strange, { signer, bundle }))).lines, strange);
  assert.deepEqual((await openTranscript(await makeTranscript([], { signer, bundle }))).lines, []);
});

const anew = async () => {
  const rows = (await makeTranscript(["one", "TWO", "three", "four", "five"], { signer: mallory, bundle })).split("\n");
  const [, , , signature] = text.trimEnd().split("\n").at(-1)!.split(" ");
  return rows.map((row) => row.startsWith("end") ? row.replace(/^(end 5 )\S+ \S+/, `$1${device()} ${signature}`) : row);
};
const device = () => text.trimEnd().split("\n").at(-1)!.split(" ")[2];

const tampered: [what: string, text: string, says: RegExp][] = [
  ["a changed word", text.replace("two", "TWO"), /: line 2 was changed$/],
  ["two changed words", text.replace("two", "TWO").replace("five", "6"), /: line 2 was changed, line 5 was changed$/],
  ["a dropped line", with_((rows) => rows.splice(3, 1)), /: line 3 is missing$/],
  ["two dropped lines", with_((rows) => rows.splice(2, 2)), /: lines 2 to 3 are missing$/],
  ["two lines changing places", with_((rows) => rows.splice(2, 2, rows[3], rows[2])), /: line 2 stands behind line 3$/],
  ["a line that is there twice", with_((rows) => rows.splice(3, 0, rows[2])), /: line 2 is there twice$/],
  ["a cut in the middle", text.slice(0, text.indexOf("3 ")), /: it was cut off after line 2$/],
  ["a cut before the end line", with_((rows) => rows.pop()), /: it was cut off after line 5$/],
  ["the last lines gone, the end kept", with_((rows) => rows.splice(4, 2)), /: lines 4 to 5 are missing$/],
  ["a line put behind the last", with_((rows) => rows.splice(6, 0, `6 ${"0".repeat(64)} six`)), /line 6 was added$/],
  [
    "a line without a link",
    with_((rows) => rows.splice(3, 0, "psst")),
    /behind line 2 stands something that is no line/,
  ],
  ["a number that was changed too", text.replace("\n2 ", "\n7 "), /line 2 is missing/],
  ["all of it written anew", (await anew()).join("\n"), /not the signature: somebody else wrote all of it anew$/],
  ["a device that is not listed", await makeTranscript(said, { signer: mallory, bundle }), /does not list$/],
  ["another file", "hello\n", /it is none, or was made by a newer qight$/],
  ["nothing", "", /it is none/],
  ["a damaged end", text.replace(/ \S+\n$/, " !!!!\n"), /its last line is damaged$/],
];
for (const [what, changed, says] of tampered) {
  Deno.test(`${what} is named`, async () => {
    assert.notEqual(changed, text);
    await assert.rejects(openTranscript(changed), (thrown) => {
      assert.ok(thrown instanceof QightError && thrown.code === "bad_transcript", String(thrown));
      assert.match(thrown.message, says);
      return true;
    });
  });
}

Deno.test("no change of a single character goes unseen", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length - 1), fc.integer({ min: 32, max: 126 }), async (at, code) => {
      const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
      if (changed === text) return;
      await assert.rejects(openTranscript(changed), (thrown) => thrown instanceof QightError);
    }),
    { numRuns: 300 },
  );
});
