/**
 * The new device's end of a moved history: each part that waits is fetched, unpacked, checked and imported once.
 * @module
 */
import { fromBinary } from "@bufbuild/protobuf";
import { equal } from "../../crypto/equal.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { asQightError, type ErrorCode, QightError } from "../../proto/errors.ts";
import { FileSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { fetchFile } from "../files.ts";
import { importAt } from "../history_import.ts";
import type { RelayClient } from "../relay_client.ts";
import type { ArrivedMove, ArrivedPart, ClientStore } from "../storage/store.ts";
import { PACKED_MAX_BYTES, unpackLines } from "./pack.ts";

/** What importing needs. */
export interface ImportRoom {
  readonly store: ClientStore;
  readonly relay: Pick<RelayClient, "rpc" | "session">;
  /** The relay's name as dialled: parts wait where they were sent. */
  readonly relayName: string;
  /** Hears after each part how many lines are in, of how many. */
  readonly onProgress?: (done: number, all: number) => void;
  /** Hears why a part was lost. */
  readonly detail?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** What makes a part worthless for good; anything else is tried again with the next session. */
const LOST: ReadonlySet<ErrorCode> = new Set(["bad_transcript", "bad_blob", "no_such_file", "invariant"]);

/**
 * Imports what waits at this relay, in any order, one transaction for each part; a killed run goes on with the next part.
 * Answers the moves that came to their end. Throws what the relay or the store threw.
 */
export async function importHistory(room: ImportRoom): Promise<ArrivedMove[]> {
  const { store, relayName, onProgress = () => {}, detail = () => {}, signal } = room;
  const ended: ArrivedMove[] = [];
  for (;;) {
    signal?.throwIfAborted();
    const part = await store.read(({ historyMoves }) => historyMoves.next(relayName));
    if (!part) return ended;
    const move = await importPart(room, part, detail);
    onProgress(Math.round(move.lines * move.done / Math.max(move.parts, 1)), move.lines);
    if (move.done === move.parts) ended.push(move);
  }
}

async function importPart(
  room: ImportRoom,
  arrived: ArrivedPart,
  detail: (text: string) => void,
): Promise<ArrivedMove> {
  const { transfer, part, lines: all } = arrived;
  const { store } = room;
  try {
    const lines = await unpackLines(await bytesOf(room, arrived));
    if (lines.some(({ number }, at) => number >= all || (at > 0 && number <= lines[at - 1].number))) {
      throw new QightError("bad_transcript", "Its lines are not in their order");
    }
    return await store.write((tables) => {
      const base = tables.historyMoves.baseOf(transfer, all);
      const added = importAt(tables, lines.map(({ number, line }) => ({ line, place: base + number })));
      tables.historyMoves.settle(transfer, part, { added });
      return tables.historyMoves.arrivedMove(transfer);
    });
  } catch (thrown) {
    const error = asQightError(thrown);
    if (!LOST.has(error.code)) throw error;
    detail(`part ${part} of a moved history is lost: ${error.message}`);
    return await store.write(({ historyMoves }) => {
      historyMoves.settle(transfer, part, "lost");
      return historyMoves.arrivedMove(transfer);
    });
  }
}

async function bytesOf({ relay, signal }: ImportRoom, { file }: ArrivedPart): Promise<Uint8Array> {
  const { blob, data } = fromBinary(FileSchema, file);
  if (!blob) return data;
  if (blob.size > BigInt(PACKED_MAX_BYTES)) throw new QightError("bad_blob", "It is larger than a part can be");
  const whole = new Uint8Array(Number(blob.size));
  let at = 0;
  const sink = {
    chunks: 0,
    write: (plain: Uint8Array) => {
      whole.set(plain, at);
      at += plain.length;
      return Promise.resolve();
    },
  };
  await fetchFile({ relay, ...(signal ? { signal } : {}) }, blob, sink);
  if (!equal(await sha256(whole), blob.fileSha256)) throw new QightError("bad_blob");
  return whole;
}
