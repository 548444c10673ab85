/** Who is typing in which conversation just now. @module */
import type { Clock } from "../../client/clock.ts";

/** Nobody types for longer without being told again: the sender may be gone. Milliseconds. */
const FORGET_MS = 8_000;

/** Remembers people for some seconds. */
export class Typists {
  readonly #clock: Clock;
  readonly #changed: () => void;
  /** Cancels the forgetting, by conversation and name. */
  readonly #now = new Map<string, Map<string, () => void>>();

  /** `changed` is called when somebody stops. */
  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** Somebody (by the name they are shown under) began to type in a conversation, or stopped. */
  noted(key: string, name: string, on: boolean): void {
    const here = this.#now.get(key) ?? new Map<string, () => void>();
    this.#now.set(key, here);
    here.get(name)?.();
    here.delete(name);
    if (!on) return;
    here.set(
      name,
      this.#clock.after(FORGET_MS, () => {
        here.delete(name);
        this.#changed();
      }),
    );
  }

  /** What a prompt says of a conversation: `(bob is typing) `, or nothing. */
  text(key: string | null): string {
    const names = [...key === null ? [] : this.#now.get(key)?.keys() ?? []];
    if (names.length === 0) return "";
    return names.length === 1 ? `(${names[0]} is typing) ` : `(${names.length} are typing) `;
  }

  /** Forgets everybody: the chat is over. */
  stop(): void {
    for (const here of this.#now.values()) for (const cancel of here.values()) cancel();
    this.#now.clear();
  }
}
