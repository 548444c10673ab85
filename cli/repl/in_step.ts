/** Keeps the own devices in step while a chat goes on: a moment after something changed, so that much goes in one message. @module */
import type { Clock } from "../../client/clock.ts";
import { movedText } from "../keep_in_step.ts";
import type { Connected } from "../messenger.ts";
import type { Chat } from "./chat.ts";

/** So long more may change before it is told, milliseconds. */
const SOON_MS = 2_000;

/** Does something a moment after it was asked for, once for all that asked. */
export class InStep {
  readonly #clock: Pick<Clock, "after">;
  readonly #work: () => void;
  #cancel: (() => void) | null = null;
  #stopped = false;

  constructor(clock: Pick<Clock, "after">, work: () => void) {
    this.#clock = clock;
    this.#work = work;
  }

  /** Something may have changed. */
  soon(): void {
    if (this.#stopped) return;
    this.#cancel ??= this.#clock.after(SOON_MS, () => {
      this.#cancel = null;
      this.#work();
    });
  }

  /** Nothing begins any more: what is left the next command tells. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = null;
  }
}

/** Tells the own other devices what changed here, and imports a history that they sent. */
export async function stepNow(chat: Chat, room: Connected): Promise<void> {
  const ended = await chat.messenger.keepInStep(room, { histories: true });
  for (const move of ended) chat.screen.note(movedText(move));
  if (ended.length > 0) await chat.refreshPrompt();
}
