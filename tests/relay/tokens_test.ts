/** Access tokens and the file that lists them. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { QightError } from "../../proto/errors.ts";
import { makeToken, readTokensFile, tokenHash } from "../../relay/tokens.ts";

const made = makeToken(new Uint8Array(32).fill(5));

Deno.test("a token is random, typed by its prefix, and known by its hash alone", () => {
  assert.equal(made.token, "qight_BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU");
  assert.deepEqual(tokenHash(made.token), made.hash);
  assert.deepEqual(tokenHash(`${made.token}\n`), made.hash, "as read from a file");
  assert.match(made.id, /^[0-9a-f]{8}$/);
  assert.ok(!made.token.includes(made.id));
  assert.equal(new Set(Array.from({ length: 100 }, () => makeToken().token)).size, 100);
});

async function withFile(text: string, mode: number, test: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "qight-test-" });
  try {
    const path = join(dir, "tokens");
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, mode);
    await test(path);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a tokens file holds tokens or their hashes, with or without names", async () => {
  const other = makeToken();
  const text = `# two of them\n\n${made.token}\nweb-3  sha256:${other.hash.toHex()}\r\n  ops ${other.token}\n`;
  await withFile(text, 0o600, async (path) => {
    assert.deepEqual(await readTokensFile(path), [made.hash, other.hash, other.hash]);
  });
  await withFile("", 0o640, async (path) => assert.deepEqual(await readTokensFile(path), []));
  assert.deepEqual(await readTokensFile(""), []);
});

Deno.test("a tokens file that is wrong or open to all is refused, and no line is quoted", async () => {
  const rows: [string, number, string, RegExp][] = [
    [`${made.token}\n`, 0o604, "insecure_config", /open to all users \(mode 0604\)/],
    ["password\n", 0o600, "config", /tokens:1: not/],
    [`\nname ${made.token} more\n`, 0o600, "config", /tokens:2: not/],
    ["ops sha256:1234567890abcdef\n", 0o600, "config", /tokens:1: not/],
    ["x".repeat(1024 * 1024 + 1), 0o600, "config", /larger than 1 MiB/],
  ];
  for (const [text, mode, code, message] of rows) {
    await withFile(text, mode, async (path) => {
      await assert.rejects(readTokensFile(path), (error: QightError) => {
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return error.message.includes(path) && !error.message.includes(text.trim()) && error.exit === 78;
      });
    });
  }
  await assert.rejects(
    readTokensFile("/nowhere/tokens"),
    (error: QightError) => error.exit === 78 && error.message.includes("auth.tokens_file /nowhere/tokens"),
  );
});
