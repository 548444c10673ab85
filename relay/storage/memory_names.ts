/**
 * Names with their password records of the store that forgets everything at exit.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import type { NamedAccount } from "./account_store.ts";

/** Names by how they are looked up; the same answers as the SQLite table's. */
export class MemoryNames {
  readonly #kept = new Map<string, NamedAccount>();
  /** Names that were given up, with their skeletons and until when others are kept from them. */
  readonly #held = new Map<string, { readonly skeleton: string; readonly untilMs: number }>();

  /** The name that is looked up, or null. */
  get(folded: string): NamedAccount | null {
    return this.#kept.get(folded) ?? null;
  }

  /** The name of an account, or null. */
  of(account: Uint8Array): NamedAccount | null {
    return this.#all().find((one) => equal(one.account, account)) ?? null;
  }

  /** How many names are in use. */
  get size(): number {
    return this.#kept.size;
  }

  /** In order of name, from the one after `after`. */
  list(after: string, max: number): NamedAccount[] {
    return this.#all().filter(({ folded }) => folded > after).sort((a, b) => a.folded < b.folded ? -1 : 1).slice(
      0,
      max,
    );
  }

  /** Whether somebody has a name that looks like this one, or had it until lately. */
  isTaken({ folded, skeleton, registeredAtMs }: NamedAccount): boolean {
    if (this.#all().some((one) => one.folded === folded || one.skeleton === skeleton)) return true;
    return [...this.#held].some(([name, held]) =>
      (name === folded || held.skeleton === skeleton) && held.untilMs > registeredAtMs
    );
  }

  /** Adds a name that is not taken, or one again with another record. */
  put(named: NamedAccount): void {
    this.#kept.set(named.folded, named);
    for (const [name, { skeleton }] of this.#held) {
      if (name === named.folded || skeleton === named.skeleton) this.#held.delete(name);
    }
  }

  /** False when the account has no name. */
  setRecord(account: Uint8Array, record: string): boolean {
    const named = this.of(account);
    if (named) this.#kept.set(named.folded, { ...named, record });
    return named !== null;
  }

  /** Takes a name from its account, and keeps others from it. */
  hold(account: Uint8Array, untilMs: number): void {
    const named = this.of(account);
    if (!named) return;
    this.#kept.delete(named.folded);
    this.#held.set(named.folded, { skeleton: named.skeleton, untilMs });
  }

  /** Lets names go that were held long enough. */
  collect(nowMs: number): void {
    for (const [name, { untilMs }] of this.#held) if (untilMs <= nowMs) this.#held.delete(name);
  }

  #all(): NamedAccount[] {
    return [...this.#kept.values()];
  }
}
