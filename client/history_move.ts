/**
 * A history that moves to a new device of the same account: in parts, each a file that only that device imports.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { ContentSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import { bringFiles } from "./files.ts";
import { keptLine } from "./history_move/line.ts";
import { packLines } from "./history_move/pack.ts";
import { planParts } from "./history_move/plan.ts";
import { mustReach, ownDraft, type OwnRoom, sayToOwn } from "./own_sync/room.ts";
import type { MovePart, MoveRow, Tables } from "./storage/store.ts";

export { importHistory, type ImportRoom } from "./history_move/import.ts";

/** What moving takes. */
export interface HistoryMoving {
  readonly own: OwnRoom;
  /** Who gets it: a device key of the own account, 32 bytes, that is in the conversation of the own devices. */
  readonly toDevice: Uint8Array;
  /** Hears how many lines went, of how many. */
  readonly onProgress?: (done: number, all: number) => void;
  readonly signal?: AbortSignal;
}

/** What went. */
export interface MovedHistory {
  readonly lines: number;
  readonly parts: number;
  /** Lines that are too large to travel. */
  readonly leftOut: number;
}

/**
 * Sends the lines that are here, but those that disappear, to a new device; called again after it was killed it goes on
 * with the next part, and after its end it sends nothing. Files are named: their bytes come only as long as the relay has
 * them. `no_key_package` while the device is not in the conversation. Throws what the relay threw.
 */
export async function sendHistory(
  { own, toDevice, onProgress = () => {}, signal }: HistoryMoving,
): Promise<MovedHistory> {
  const { store } = own;
  const move = await store.write((tables) => planned(tables, own, toDevice));
  const parts = await store.read(({ historyMoves }) => historyMoves.partsOf(move.transfer));
  let leftOut = 0;
  if (parts.every(({ sent }) => sent)) return { lines: move.lines, parts: move.parts, leftOut };
  const group = await own.openOwn();
  const groups = own.room.groups!;
  if ((await groups.absent(group, [toDevice])).length > 0) await groups.complete(group);
  for (const part of parts) {
    signal?.throwIfAborted();
    if (!part.sent) {
      leftOut += await sendPart({ own, toDevice, onProgress, ...(signal ? { signal } : {}) }, group, move, part);
    }
    onProgress(parts[part.part]?.linesBefore ?? move.lines, move.lines);
  }
  return { lines: move.lines, parts: move.parts, leftOut };
}

/** The move to this device that was begun, or a new one. */
function planned({ historyMoves }: Tables, { relayName, random }: OwnRoom, device: Uint8Array): MoveRow {
  const known = historyMoves.to(relayName, device);
  if (known) return known;
  const sizes = historyMoves.sizes();
  const parts = planParts(sizes);
  const move = { transfer: random(16), relay: relayName, device, lines: sizes.length, parts: parts.length };
  historyMoves.begin(move, parts);
  return move;
}

/** Answers how many lines were left out. */
async function sendPart(
  { own, toDevice, signal }: HistoryMoving,
  group: Uint8Array,
  { transfer, parts, lines }: MoveRow,
  { part, firstPlace, lastPlace, linesBefore }: MovePart,
): Promise<number> {
  const { store, room, relayName, clock, random, account } = own;
  const numbered = await store.read((tables) =>
    tables.historyMoves.between(firstPlace, lastPlace).map((row, at) => {
      return { number: linesBefore + at, line: keptLine(tables, row) };
    })
  );
  const { bytes, packed } = await packLines(numbered);
  const history = { transfer, part, parts, lines: BigInt(lines), forDevice: toDevice };
  const content = create(ContentSchema, { files: [{ name: `history-${part}.gz`, data: bytes }], sync: { history } });
  const where = { relay: room.relay, relayName, store, clock, random, ...(signal ? { signal } : {}) };
  const draft = await bringFiles(where, account, ownDraft(own, content));
  mustReach(await sayToOwn(own, group, draft), toDevice);
  await store.write(({ historyMoves }) => historyMoves.sent(transfer, part));
  return numbered.length - packed;
}
