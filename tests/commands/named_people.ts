/** People with names at a relay that has them, for tests of accounts. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { errorOf, type Outcome, type Person, type RunningRelay, World } from "./harness.ts";

/** Where a person's key is. */
export const keyPath = (person: Person): string => join(person.home, "data/qight/identity.key");

/** The error of a command that must fail so. */
export function assertFails(outcome: Outcome, exit: number, name: string): { message: string; hint: string } {
  const error = errorOf(outcome);
  assert.equal(error.code, name, error.message);
  assert.equal(outcome.code, exit);
  return error;
}

/** What the relay says of somebody's own account. */
export const shown = async (person: Person) => JSON.parse(await person.ok(["account", "show", "--json"]));

/** A world with a relay that has names and one that has none; it ends with the file's tests. */
export async function namedWorld() {
  const world = new World();
  Deno.test.afterAll(() => world[Symbol.asyncDispose]());
  const [named, open] = await Promise.all([
    world.relay({ name: "named", env: { QIGHT_CFG__AUTH__MODE: "account" } }),
    world.relay({ name: "open" }),
  ]);
  /** A clean machine. */
  const machine = (name: string, relay: RunningRelay = named): Person =>
    world.person(name, { QIGHT_RELAY: relay.address, QIGHT_TIMEOUT: "120s" });
  /** Somebody with a name. */
  const registered = async (name: string, password = `${name} correct horse`) => {
    const person = machine(name);
    const file = person.file("password", password);
    const { id, codes } = JSON.parse(
      await person.ok(["account", "register", name, "--no-passphrase", "--password-file", file, "--json"]),
    );
    return Object.assign(person, { id: id as string, codes: codes as string[], password: file });
  };
  return { world, named, open, machine, registered };
}
