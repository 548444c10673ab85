/**
 * Runs a process that writes into a store, and kills it.
 * @module
 */
import assert from "node:assert/strict";

/** Runs the writer until it has said so many lines, kills it, and answers all that it said. */
export async function killedAfter(path: string, what: "claim" | "send" | "accounts", lines: number): Promise<number[]> {
  const script = new URL("./killed_writer.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, path, what],
    stdout: "piped",
  }).spawn();
  let text = "";
  for await (const bytes of child.stdout.pipeThrough(new TextDecoderStream())) {
    const before = text.split("\n").length;
    text += bytes;
    if (before <= lines && text.split("\n").length > lines) child.kill("SIGKILL");
  }
  const { signal, code } = await child.status;
  // One that ended by itself has not been killed while it wrote, and what it leaves says nothing.
  assert.equal(signal, "SIGKILL", `the writer ended by itself (${code})`);
  return text.split("\n").slice(0, -1).map(Number);
}
