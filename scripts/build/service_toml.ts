/**
 * The relay.toml that a package or an image starts with: reachable from outside, and only with a token.
 * @module
 */
import { sampleToml } from "../../relay/config/sample.ts";

/** Every key with its default, but for the addresses and `auth.mode = "token"`; `note` becomes its first lines. */
export function serviceToml(note: readonly string[]): string {
  const [head, ...rest] = sampleToml().split("\n");
  const text = [head, ...note.map((line) => `# ${line}`), ...rest].join("\n");
  return [["listen", ["[::]:4433"]], ["mode", "token"]].reduce((so, [key, value]) => {
    const line = new RegExp(`^${key} = [^#\\n]*`, "m");
    if (!line.test(so)) throw new Error(`The sample relay.toml has no ${key}`);
    return so.replace(line, `${key} = ${JSON.stringify(value)} `);
  }, text);
}
