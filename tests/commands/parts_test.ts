/** The pure parts of the command line, without a process. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { comeBackInto, revokeLost } from "../../cli/after_recovery.ts";
import { escapeControls, escapeLine, safeJson } from "../../cli/escape.ts";
import { type Notice, noticeText } from "../../cli/event_output.ts";
import { decodeIdentity, encodeIdentity } from "../../crypto/identity_bytes.ts";
import { readLines } from "../../cli/lines.ts";
import type { Messenger } from "../../cli/messenger.ts";
import { Output, ReaderGone } from "../../cli/output.ts";
import { safeName } from "../../client/storage/save_files.ts";
import { waitRemarks } from "../../cli/wait_remark.ts";
import { QightError } from "../../proto/errors.ts";

const seed = 20261121;
// deno-lint-ignore no-control-regex
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

Deno.test("no text steers a terminal after escaping, and nothing else is changed", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(text, (value) => {
      assert.ok(!steering.test(escapeControls(value)));
      assert.ok(!escapeLine(value).includes("\n"));
      if (!steering.test(value)) assert.equal(escapeControls(value), value);
    }),
    { seed },
  );
});

Deno.test("JSON keeps every value exactly and holds no steering character", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.constantFrom("\u001b", "\u009b", "\u202e", "\ufeff", ""),
      (a, b) => {
        const json = safeJson({ text: a + b });
        assert.ok(!steering.test(json));
        assert.equal(JSON.parse(json).text, a + b);
      },
    ),
    { seed },
  );
});

const names: [given: string, safe: string][] = [
  ["report.pdf", "report.pdf"],
  ["../../etc/passwd", "passwd"],
  ["..", "file"],
  ["", "file"],
  ["C:\\Windows\\cmd.exe", "cmd.exe"],
  ["/etc/", "file"],
  [".bashrc", "bashrc"],
  ["a\u0000b.txt", "ab.txt"],
  ["gpj.\u202eexe", "gpj.exe"],
  ["a:b|c?.txt", "a_b_c_.txt"],
  ["tail. . ", "tail"],
  ["-rf", "rf"],
  ["--help.txt", "help.txt"],
  [". -.x", "x"],
  ["CON", "_CON"],
  ["nul.tar.gz", "_nul.tar.gz"],
  ["com1 .txt", "_com1 .txt"],
  ["COM\u00b9", "_COM\u00b9"],
  ["console.log", "console.log"],
  ["cafe\u0301.txt", "caf\u00e9.txt"],
  ["e\u0000\u0301", "\u00e9"],
  ["\ud800.txt", "\ufffd.txt"],
  [`${"a".repeat(300)}.txt`, `${"a".repeat(196)}.txt`],
  [`x.${"\u{1f600}".repeat(9)}`, `x.${"\u{1f600}".repeat(4)}`],
];
for (const [given, safe] of names) {
  Deno.test(`a file called ${JSON.stringify(given)} is saved as ${safe}`, () => assert.equal(safeName(given), safe));
}

Deno.test("a saved name is never empty, never leaves its folder and fits a file system", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), (name) => {
      const safe = safeName(name);
      assert.ok(safe.length > 0 && safe !== "." && safe !== "..");
      assert.ok(!/[/\\]/.test(safe) && !steering.test(safe) && !/^[-.\s]|[.\s]$/.test(safe));
      assert.ok(new TextEncoder().encode(safe).length <= 201);
      assert.ok(safe.isWellFormed() && safe.normalize("NFC") === safe);
      assert.equal(safeName(safe), safe, "what was saved and is sent on keeps its name");
    }),
    { seed, numRuns: 2000 },
  );
});

Deno.test("key files have this layout: magic, account seed, device seed, data key", () => {
  const [accountSeed, deviceSeed, dataKey] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
  const whole = { accountSeed, device: { seed: deviceSeed, dataKey } };
  const bytes = encodeIdentity(whole);
  assert.equal(
    bytes.toHex(),
    "7169676874206964656e7469747920763100" + "01".repeat(32) + "02".repeat(32) + "03".repeat(32),
  );
  assert.deepEqual(decodeIdentity(bytes), whole);
  assert.deepEqual(decodeIdentity(encodeIdentity({ accountSeed })), { accountSeed });
  const sealing = { seed: new Uint8Array(32).fill(4), createdAtMs: 1, expiresAtMs: 0x0102, eraseAtMs: 2 ** 40 };
  const carried = encodeIdentity({ ...whole, sealing });
  const times = "0000000000000001" + "0000000000000102" + "0000010000000000";
  assert.equal(carried.toHex(), bytes.toHex() + "04".repeat(32) + times);
  assert.deepEqual(decodeIdentity(carried), { ...whole, sealing });
  for (const wrong of [bytes.slice(0, -1), bytes.slice(0, 82), bytes.slice(1), new Uint8Array(0)]) {
    assert.throws(() => decodeIdentity(wrong), { code: "bad_key_file" });
  }
});

Deno.test("lines come out the same however the bytes are cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }).map((s) => s.replace(/[\r\n]/g, ""))),
      fc.nat(7),
      async (lines, step) => {
        const bytes = new TextEncoder().encode(lines.map((line, at) => line + (at % 2 ? "\r\n" : "\n")).join(""));
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += step + 1) chunks.push(bytes.subarray(at, at + step + 1));
        const got: string[] = [];
        for await (const line of readLines(ReadableStream.from(chunks), new AbortController().signal)) {
          got.push(new TextDecoder("utf-8", { ignoreBOM: true }).decode(line));
        }
        assert.deepEqual(got, lines);
      },
    ),
    { seed },
  );
});

Deno.test("a closed pipe tells how many bytes had gone, any other failure is io", async () => {
  const sink = (fail: Error) => {
    let room = 5;
    return {
      isTerminal: () => false,
      writeSync: (bytes: Uint8Array) => bytes.length,
      write: (bytes: Uint8Array) => {
        if (room === 0) return Promise.reject(fail);
        const took = Math.min(room, bytes.length, 2);
        room -= took;
        return Promise.resolve(took);
      },
    };
  };
  const style = { json: false, quiet: false, verbose: 0 };
  const gone = new Output(style, sink(new Deno.errors.BrokenPipe()), sink(new Error()));
  await assert.rejects(gone.bytes(new Uint8Array(9)), (error) => error instanceof ReaderGone && error.written === 5);
  const full = new Output(style, sink(new Error("disk full")), sink(new Error()));
  await assert.rejects(full.bytes(new Uint8Array(9)), { code: "io" });
});

Deno.test("regression: a sending that waits says why, once in ten seconds", () => {
  let nowMs = 5;
  const notes: string[] = [];
  const waiting = waitRemarks((text) => notes.push(text), { monotonic: () => nowMs });
  for (const code of ["rate_limited", "queue_full"] as const) {
    for (const ms of [0, 1, 9_998]) {
      nowMs += ms;
      waiting(new QightError(code, "Slow down"));
    }
    nowMs += 1;
  }
  assert.deepEqual(notes, ["Slow down: waiting", "Slow down: waiting for room"]);
});

const from = new Uint8Array(32).fill(7);
const gap = { type: "gap", from, fromDevice: from } as const;
const notices: [event: Notice, sentence: RegExp][] = [
  [{ type: "expired", first: 2, last: 2 }, /^missing: message 2 of this mailbox expired unread$/],
  [{ type: "expired", first: 2, last: 3 }, /^missing: messages 2 to 3 of this mailbox expired unread$/],
  [{ ...gap, first: 4, last: 4 }, /^missing: message 4 of qid1\w+ never came$/],
  [{ ...gap, first: 4, last: 6 }, /^missing: messages 4 to 6 of qid1\w+ never came$/],
  [{ ...gap, from: null, first: 4, last: 6 }, /^missing: messages 4 to 6 of SHA256:\S+ never came$/],
  [{ ...gap, first: 4, last: 4, perhapsExpired: 1 }, /; it may be among those that expired unread, told before$/],
  [{ ...gap, first: 4, last: 6, perhapsExpired: 3 }, /; they may be among those that expired/],
  [{ ...gap, first: 4, last: 6, perhapsExpired: 2 }, /; 2 of them may be among those that expired/],
];
for (const [event, sentence] of notices) {
  Deno.test(`what is missing is said as ${sentence.source}`, async () => {
    assert.match(await noticeText(event), sentence);
  });
}

Deno.test("a relay that goes away after a recovery: groups are only warned of, devices that stay listed are an error that says so", async () => {
  const lost = new QightError("unreachable", "The relay does not answer");
  const messenger = { connect: () => Promise.reject(lost) } as unknown as Messenger;
  const said: string[] = [];
  const out = { error: (text: string) => void said.push(text) } as unknown as Output;
  const { signal } = new AbortController();
  await comeBackInto(messenger, [], { out, signal });
  assert.deepEqual(said, [
    "warning: you are back in, but not all is done yet (The relay does not answer); qight fetch goes on",
  ]);
  await assert.rejects(revokeLost(messenger, { out, signal }), {
    code: "unreachable",
    message: "You are back in, but your other devices were not taken off the list: The relay does not answer",
    hint: "Take them off by hand: qight device list, then qight device revoke NAME.",
  });
});
