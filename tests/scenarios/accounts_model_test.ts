/**
 * A random life of accounts with several devices each, compared with a model after each step. A short run lives the same lives
 * each time; QIGHT_ACCOUNT_RUNS asks for so many others, QIGHT_ACCOUNT_STEPS for longer ones. QIGHT_ACCOUNT_SEED repeats a run,
 * QIGHT_ACCOUNT_LIFE one counterexample.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { AccountsModel, type Step, WHAT } from "./accounts_model.ts";
import { Street } from "./street.ts";

const NIGHT = Deno.env.get("QIGHT_ACCOUNT_RUNS");
const RUNS = Number(NIGHT ?? 3);
const STEPS = Number(Deno.env.get("QIGHT_ACCOUNT_STEPS") ?? 25);
const SEED = Number(
  Deno.env.get("QIGHT_ACCOUNT_SEED") ?? (NIGHT === undefined ? 8 : Math.floor(Math.random() * 2 ** 31)),
);

Deno.test(`after any life of accounts all devices have heard the same, once, and lost ones nothing more (seed ${SEED})`, async () => {
  const step = fc.tuple(fc.constantFrom(...WHAT), fc.nat(3), fc.nat(4), fc.nat(8));
  const lives = fc.tuple(fc.integer({ min: 2, max: 3 }), fc.array(step, { minLength: STEPS, maxLength: STEPS }));
  await fc.assert(fc.asyncProperty(lives, ([people, steps]) => live(people, steps)), {
    numRuns: RUNS,
    seed: SEED,
    endOnFailure: true,
  });
});

async function live(people: number, steps: readonly Step[]): Promise<void> {
  await using street = await Street.open();
  const model = await AccountsModel.meet(street, people);
  try {
    for (const step of steps) await model.step(step);
    await model.everybodyReads();
  } catch (thrown) {
    throw new assert.AssertionError({ message: `${model.log.join("\n")}\n${thrown}\n${(thrown as Error).stack}` });
  }
}

const LIFE = Deno.env.get("QIGHT_ACCOUNT_LIFE");
if (LIFE !== undefined) {
  Deno.test("one life again", async () => {
    const [people, steps] = JSON.parse(LIFE);
    await live(people, steps);
  });
}
