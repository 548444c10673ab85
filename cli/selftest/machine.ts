/** Selftest: what qight asks of the machine: names, and that it can start itself again. @module */
import { lookup } from "node:dns/promises";
import { QightError } from "../../proto/errors.ts";
import { versionLine } from "../commands/version.ts";
import { type Check, fail, ok, warn } from "../doctor/check.ts";
import { exists } from "../paths.ts";
import { selfCommand } from "../self_command.ts";

/** Looks up localhost. Without /etc/hosts that is the machine's doing and no fault of this build. */
export async function checkNames(hosts = "/etc/hosts"): Promise<Check> {
  try {
    const found = await lookup("localhost", { all: true });
    return ok("localhost", `localhost is ${found.map(({ address }) => address).join(", ")}`);
  } catch (thrown) {
    const message = `localhost cannot be looked up: ${(thrown as Error).message}`;
    if (Deno.build.os !== "windows" && !await exists(hosts)) {
      return warn("localhost", message, `There is no ${hosts}; relays named by address work.`);
    }
    return fail("localhost", "invariant", message, `See ${hosts} and the resolver of this machine.`);
  }
}

/** Starts itself again and compares what the two say of themselves. */
export async function checkRestart(): Promise<Check> {
  const [program, ...args] = selfCommand();
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args, "version", "--json"],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const said = new TextDecoder().decode(stdout).trim();
  if (code !== 0) {
    throw new QightError("invariant", `${program} ended with ${code}: ${new TextDecoder().decode(stderr).trim()}`);
  }
  if (said !== versionLine(true)) throw new QightError("invariant", `${program} is another version: ${said}`);
  return ok("restart", `${program} starts again`);
}
