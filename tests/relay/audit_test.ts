/** The audit log: whole lines, in order, for the owner alone. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { QightError } from "../../proto/errors.ts";
import { type AuditFields, openAudit } from "../../relay/audit.ts";

const now = () => 1_800_000_000_000;

async function withPath(test: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "qight-test-" });
  try {
    await test(join(dir, "audit.log"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const linesOf = (path: string) =>
  Deno.readTextFileSync(path).trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);

Deno.test("events are appended in order, with their time, for the owner alone", () =>
  withPath(async (path) => {
    {
      await using audit = await openAudit(path, { now });
      audit.record("token.add", { id: "00112233", name: "ops" });
      audit.record("drain");
    }
    {
      await using audit = await openAudit(path, { now });
      audit.record("reload", { ok: true });
      await audit.flush();
      assert.deepEqual(linesOf(path), [
        { time: "2027-01-15T08:00:00.000Z", event: "token.add", id: "00112233", name: "ops" },
        { time: "2027-01-15T08:00:00.000Z", event: "drain" },
        { time: "2027-01-15T08:00:00.000Z", event: "reload", ok: true },
      ]);
    }
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  }));

Deno.test("no field can name a sender or a recipient, forge a time, or break a line", () =>
  withPath(async (path) => {
    await using audit = await openAudit(path, { now });
    const hostile = {
      sender: "a",
      recipient: "b",
      from: "c",
      to: "d",
      time: "x",
      event: "y",
      name: "a\nb".repeat(200),
    };
    audit.record("odd", hostile as unknown as AuditFields);
    await audit.flush();
    const [line] = linesOf(path);
    assert.deepEqual(Object.keys(line), ["time", "event", "name"]);
    assert.equal(line.event, "odd");
    assert.equal((line.name as string).length, 200);
  }));

Deno.test("a flood is counted, not kept, and the file stays bounded", () =>
  withPath(async (path) => {
    await using audit = await openAudit(path, { now, rotateAt: 80_000 });
    for (let i = 0; i < 5000; i++) audit.record("bad_token", { i });
    await audit.flush();
    const lines = linesOf(path);
    assert.deepEqual(lines.at(-1), { time: "2027-01-15T08:00:00.000Z", event: "audit.dropped", count: 4000 });
    for (let i = 0; i < 500; i++) audit.record("bad_token", { i });
    await audit.flush();
    assert.equal(linesOf(path).length, 500, "a new file begins");
    assert.equal(linesOf(`${path}.1`).length, 1001, "the older one is kept");
  }));

Deno.test("a log that cannot be opened is named; one that cannot be written is told", () =>
  withPath(async (path) => {
    await assert.rejects(openAudit(join(path, "x")), (error: QightError) => {
      assert.equal(error.exit, 73);
      return error.message.includes(join(path, "x"));
    });
    const trouble: Error[] = [];
    await Deno.symlink("/dev/full", path); // every write to it fails with ENOSPC
    const audit = await openAudit(path, { now, onError: (error) => trouble.push(error) });
    audit.record("token.add", { id: "1" });
    await audit.flush();
    await audit[Symbol.asyncDispose]();
    assert.equal(trouble.length, 1);
    assert.ok(trouble[0].message.includes(path), trouble[0].message);
  }));
