/**
 * Reads the relay's log of a group's commits, a page at a time.
 * @module
 */
import { asQightError } from "../../proto/errors.ts";
import type { CommitLogEntry } from "../group_calls.ts";
import type { GroupRow } from "../storage/store.ts";
import { callsOf, type GroupRoom } from "./room.ts";

/** A commit of the relay's log. */
export type LoggedCommit = Extract<CommitLogEntry, { kind: "commit" }>;

/** A page ends early at this size; a commit that adds 249 people has 0.7 MB. */
const PAGE_BYTES = 8 * 1024 * 1024;

/** Some commits from an epoch on, and the end of the log when it was reached; null for who is no member. */
export async function readLog(room: GroupRoom, { group, epoch }: Pick<GroupRow, "group" | "epoch">, max: number) {
  const commits: LoggedCommit[] = [];
  let end: Extract<CommitLogEntry, { kind: "end" }> | null = null;
  let bytes = 0;
  const { calls } = await callsOf(room);
  try {
    // Read whole before anything is worked on: the deadline of a call goes on while its reader is busy.
    for await (const entry of calls.commits(group, epoch, max)) {
      if (entry.kind === "end") end = entry;
      else {
        commits.push(entry);
        bytes += entry.commit.length;
        if (bytes > PAGE_BYTES) break;
      }
    }
  } catch (thrown) {
    const error = asQightError(thrown);
    if (error.code === "not_a_member" || error.code === "no_such_group") return null;
    throw error;
  }
  return { commits, end };
}
