/** `send --wait`: until a device of the recipient says that it has the message. @module */
import { arrivalOf } from "../client/arrival.ts";
import { pause, systemRandom } from "../client/clock.ts";
import { Inbox, type InboxEvent } from "../client/inbox.ts";
import type { ActionEvent } from "../client/inbox_events.ts";
import { groupsAt } from "../client/participant_groups.ts";
import { Reconnector } from "../client/reconnect.ts";
import { isOneOf } from "../crypto/equal.ts";
import { LOOK_EVERY_MS } from "./watching.ts";
import type { Connected, Messenger } from "./messenger.ts";
import type { Output } from "./output.ts";

/** People who are away, and strangers, who tell nothing: after so long a wait is explained once, milliseconds. */
const EXPLAIN_AFTER_MS = 30_000;

/**
 * Resolves when somebody said that the message of this id is there. Looks at the own mailbox without taking anything from
 * whoever reads it, and into the history, where another process of this identity notes what it reads meanwhile.
 */
export async function awaitArrival(
  messenger: Messenger,
  room: Connected,
  id: Uint8Array,
  { out, signal }: { out: Output; signal: AbortSignal },
): Promise<void> {
  const over = new AbortController();
  const until = AbortSignal.any([over.signal, signal]);
  const explain = messenger.clock.after(EXPLAIN_AFTER_MS, () => {
    out.note("no word yet: they have not fetched since, or you are no contact of theirs (only contacts are told)");
  });
  try {
    await Promise.race([inMailbox(messenger, room, id, until), inHistory(messenger, id, until)]);
    signal.throwIfAborted();
  } finally {
    explain();
    over.abort();
  }
}

async function inMailbox(messenger: Messenger, room: Connected, id: Uint8Array, signal: AbortSignal): Promise<void> {
  const { store, directory, identity, clock, history } = messenger;
  await using source = new Reconnector({
    connect: async () => (await messenger.connect()).relay,
    timeoutMs: Infinity,
    clock,
    random: systemRandom,
  }, room.relay);
  const groups = groupsAt(messenger, source);
  const inbox = new Inbox({ source, store, directory, device: identity.device.publicKey, clock, groups });
  for await (const event of inbox.read({ follow: true, peek: true, signal })) {
    if (!saysSo(event, id)) continue;
    // It stays in the mailbox for whoever reads that; the own line says so from now on.
    return await store.write((tables) => void history.acted(tables, event));
  }
}

async function inHistory({ history, identity, clock }: Messenger, id: Uint8Array, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const [line] = await history.linesOf([{ fromDevice: identity.device.publicKey, id }]);
    if (line && ARRIVED.has(arrivalOf(line, line.marks))) return;
    await pause(clock, LOOK_EVERY_MS, signal);
  }
}

const ARRIVED: ReadonlySet<string> = new Set(["delivered", "read"]);

function saysSo(event: InboxEvent, id: Uint8Array): event is ActionEvent {
  if (event.type !== "action" || event.content.action.case !== "receipts") return false;
  const { delivered, read } = event.content.action.value;
  return isOneOf(id, [...delivered, ...read]);
}
