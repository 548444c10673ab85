/**
 * One line of a stream between its sealing and its report.
 * @module
 */
import { parseEnvelope } from "../crypto/envelope.ts";
import { readHeader } from "../crypto/mls/header.ts";
import type { MemberReceipt } from "./receipts.ts";
import type { SendReceipt } from "./relay_client.ts";
import type { OutboxEnvelope } from "./storage/store.ts";
import type { WireItem } from "./wire_queue.ts";

/** A line that every device's mailbox has; of a group at least one. */
export interface AcceptedLine {
  readonly id: Uint8Array;
  /** One for each device that has it. */
  readonly receipts: readonly { readonly device: Uint8Array; readonly receipt: SendReceipt }[];
  /** Members of a group that did not get it. */
  readonly missed: readonly MemberReceipt[];
}

/** A line on its way. */
export interface Line {
  readonly id: Uint8Array;
  readonly receipts: AcceptedLine["receipts"][number][];
  missed: readonly MemberReceipt[];
  /** Envelopes without a final answer. */
  left: number;
  refused: boolean;
  /** It was handed over once at least. */
  sent: boolean;
  /** It was handed over and nothing certain came back: its bytes must stay as they are. */
  unsure: boolean;
}

/** A line that was just sealed into so many envelopes. */
export function newLine(id: Uint8Array, envelopes: number): Line {
  return { id, receipts: [], missed: [], left: envelopes, refused: false, sent: false, unsure: false };
}

/** The relay has an envelope of this line, or of a group's what its members have. */
export function noteAccepted(line: Line, device: Uint8Array, receipt: SendReceipt): void {
  line.left--;
  if (!receipt.members) return void line.receipts.push({ device, receipt });
  for (const member of receipt.members) {
    if (member.receipt) line.receipts.push({ device: member.device, receipt: member.receipt });
  }
  line.missed = receipt.members.filter(({ error }) => error !== null);
}

/** What the wire has to know of frozen bytes; `group`: null when they go to a device. */
export function onTheWire(
  { device, envelope }: OutboxEnvelope,
  group: Uint8Array | null,
): Omit<WireItem<Line>, "owner"> {
  if (!group) return { device, envelope };
  return { device, envelope, epoch: readHeader(parseEnvelope(envelope).payload).epoch };
}
