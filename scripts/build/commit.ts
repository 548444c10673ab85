/**
 * Which revision of the source a build is made of.
 * @module
 */

/** The commit of a checkout, with `-dirty` when the program's files have other changes; null outside of git. */
export async function sourceCommit(root: string): Promise<string | null> {
  const commit = await git(root, "rev-parse", "HEAD");
  if (commit === null) return null;
  const changes = await git(root, "status", "--porcelain", "--", "proto", "crypto", "net", "relay", "client", "cli");
  return changes === "" ? commit : `${commit}-dirty`;
}

async function git(root: string, ...args: string[]): Promise<string | null> {
  try {
    const { code, stdout } = await new Deno.Command("git", {
      // A checkout of another user is one too: nothing of it is run.
      args: ["-c", `safe.directory=${root.replace(/\/$/, "")}`, ...args],
      cwd: root,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).output();
    return code === 0 ? new TextDecoder().decode(stdout).trim() : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
