/**
 * A file system of a few megabytes, in memory, that can be filled to its last byte.
 * @module
 */
import { QightError } from "../../../proto/errors.ts";

/** Why no small disk can be made here; null when it can. */
export async function missingSmallDisk(): Promise<string | null> {
  if (Deno.build.os !== "linux") return "a small tmpfs needs Linux";
  if (Deno.uid() !== 0) return "only root can mount a small tmpfs";
  const folder = await Deno.makeTempDir({ prefix: "qight-" });
  try {
    await using _disk = await SmallDisk.mount(folder, 1024 * 1024);
    return null;
  } catch (thrown) {
    if (thrown instanceof QightError) return thrown.message;
    throw thrown;
  } finally {
    await Deno.remove(folder);
  }
}

/** A tmpfs of its own; disposing of it unmounts it, whatever happened. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Mounts it over an empty folder (mode 0700). */
  static async mount(path: string, bytes: number): Promise<SmallDisk> {
    await system("mount", "-t", "tmpfs", "-o", `size=${bytes},mode=0700`, "tmpfs", path);
    return new SmallDisk(path);
  }

  /** Takes all room that is left, to the last byte; answers how many bytes that were. */
  fill(name: string): number {
    using file = Deno.openSync(`${this.path}/${name}`, { create: true, append: true, mode: 0o600 });
    let taken = 0;
    for (let chunk = 64 * 1024; chunk >= 1;) {
      try {
        taken += file.writeSync(new Uint8Array(chunk));
      } catch (thrown) {
        if ((thrown as { code?: string }).code !== "ENOSPC") throw thrown;
        chunk >>= 1;
      }
    }
    return taken;
  }

  /** Gives that room back. */
  empty(name: string): void {
    Deno.removeSync(`${this.path}/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await system("umount", this.path);
  }
}

async function system(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdin: "null", stdout: "null" }).output();
  if (success) return;
  throw new QightError("internal", `${command} failed: ${new TextDecoder().decode(stderr).trim()}`);
}
