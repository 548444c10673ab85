/** An empty system in a folder, with busybox for its shell, for maintainer scripts and programs that must not touch this one. @module */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isInstalled } from "./programs.ts";

const BUSYBOX = "/bin/busybox";
const TOOLS = ["sh", "rm", "rmdir", "mkdir", "ls", "cat", "grep", "sed", "tr", "chmod", "chown", "id"];

/** What these tests need beside Deno; "" when all of it is here, else the remark for a test's name. */
export function missingFor(programs: readonly string[], options: { root?: boolean } = {}): string {
  const absent = programs.map((program) => {
    if (program === "busybox") return isStatic(BUSYBOX) ? "" : "a static busybox";
    return isInstalled(program) ? "" : program;
  }).filter((each) => each !== "");
  const wants = [...(options.root && Deno.uid() !== 0 ? ["root"] : []), ...absent];
  return wants.length === 0 ? "" : ` (ignored: needs ${wants.join(", ")})`;
}

/** A program that asks for a loader would not start in an empty root. */
function isStatic(path: string): boolean {
  try {
    return !new TextDecoder("latin1").decode(Deno.readFileSync(path).subarray(0, 4096)).includes("/ld-");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Namespaces of mounts and network for what runs inside; not every container grants them. */
export function missingNamespaces(): string {
  const absent = missingFor(["unshare", "chroot", "ip"], { root: true });
  if (absent !== "") return absent;
  const { success } = new Deno.Command("unshare", { args: ["--mount", "--net", "true"], stderr: "null" }).outputSync();
  return success ? "" : " (ignored: needs namespaces of mounts and network)";
}

/** A folder that a chroot can live in; removed at the end. */
export class ThrowawayRoot implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "qight-root-" });

  constructor() {
    Deno.chmodSync(this.path, 0o755); // the services' users must get in
  }

  /** Puts busybox in, for scripts. */
  async withShell(): Promise<this> {
    await Deno.mkdir(this.at("bin"), { recursive: true });
    await Deno.copyFile(BUSYBOX, this.at("bin/busybox"));
    for (const tool of TOOLS) await Deno.symlink("busybox", this.at(`bin/${tool}`));
    return this;
  }

  /** A place inside, seen from outside. */
  at(path: string): string {
    return join(this.path, path);
  }

  /** Every path inside, sorted; folders end with "/". */
  list(): string[] {
    const found: string[] = [];
    const walk = (folder: string) => {
      for (const entry of Deno.readDirSync(join(this.path, folder))) {
        const path = `${folder}${entry.name}${entry.isDirectory ? "/" : ""}`;
        found.push(path);
        if (entry.isDirectory) walk(path);
      }
    };
    walk("");
    return found.sort();
  }

  /**
   * A command inside: its own mounts (/proc and /dev), its own network with a public address on the loopback, no other
   * environment. The shell in front replaces itself, so signals reach the command. With `beside` it joins the mounts and
   * the network of that process.
   */
  command(
    words: readonly string[],
    options: { env?: Record<string, string>; user?: string; beside?: number; stdin?: "piped" } = {},
  ): Deno.Command {
    const { env = {}, user = "0:0", beside, stdin = "null" } = options;
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const enter = fileURLToPath(new URL("./enter_root.sh", import.meta.url));
    const [program, ...before] = beside === undefined
      ? ["unshare", "--mount", "--net", enter]
      : ["nsenter", "--target", String(beside), "--mount", "--net", enter, "--made"];
    const args = [...before, this.path, user, ...variables, ...words];
    return new Deno.Command(program, { args, stdin, stdout: "piped", stderr: "piped" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
