/**
 * Signs the checksums of a release with the project's own `qight key sign`.
 * @module
 */
import { join } from "node:path";

/** The signature over a file by the device key of an identity file, one line. Throws with what the command said. */
export async function sign(root: string, file: string, identity: string, passphrase?: string): Promise<string> {
  const given = passphrase === undefined ? [] : ["--passphrase-file", passphrase];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-A", "--unstable-net", "--config", join(root, "deno.json"), join(root, "cli/main.ts")],
      ...["key", "sign", "--no-input", "--identity", identity, ...given, file],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`The checksums could not be signed: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout);
}
