/**
 * Runs the unit and contract tests with coverage and prints the table; details go to coverage/.
 * @module
 */
import { fileURLToPath } from "node:url";

Deno.chdir(fileURLToPath(new URL("..", import.meta.url)));

const folders = [...Deno.readDirSync("tests")]
  .filter((entry) => entry.isDirectory && entry.name !== "helpers")
  .map((entry) => `tests/${entry.name}`)
  .sort();

await deno("test", "-A", "--clean", "--coverage=coverage", ...folders);
await deno("coverage", "--exclude=(tests|scripts|bench|proto/gen)/", "coverage");

async function deno(...args: string[]): Promise<void> {
  const { code } = await new Deno.Command(Deno.execPath(), { args, stdin: "null" }).spawn().status;
  if (code !== 0) Deno.exit(code);
}
