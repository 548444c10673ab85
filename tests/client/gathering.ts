/** People at a relay of their own, for as long as a test lasts. @module */
import type { TestRelay } from "../helpers/test_relay.ts";
import { type GroupPersonOptions, groupRelay } from "./group_people.ts";

/** Those who came, by name, and the relay they are at; all of it closes together. */
export type Gathering<Name extends string, Person> = Readonly<Record<Name, Person>> & AsyncDisposable & {
  readonly relay: TestRelay;
};

/** A number that makes the keys, or that with more to choose. */
type Who = number | { readonly seed: number } & GroupPersonOptions;

/** Lets people join a relay of their own, one after the other; the same number is the same person. */
export async function gather<Name extends string, Person extends AsyncDisposable>(
  { join }: { join(at: TestRelay, seed: number, options?: GroupPersonOptions): Promise<Person> },
  who: Readonly<Record<Name, Who>>,
): Promise<Gathering<Name, Person>> {
  await using opened = new AsyncDisposableStack();
  const relay = opened.use(await groupRelay());
  const people = {} as Record<Name, Person>;
  for (const [name, one] of Object.entries<Who>(who)) {
    const { seed, ...options } = typeof one === "number" ? { seed: one } : one;
    people[name as Name] = opened.use(await join(relay, seed, options));
  }
  const all = opened.move();
  return { ...people, relay, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
