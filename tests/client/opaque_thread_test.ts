/** Passwords are stretched in a thread of their own: the session lives on meanwhile, and errors keep their code. @module */
import assert from "node:assert/strict";
import { OpaqueThread } from "../../client/opaque_thread.ts";
import { answerLogin, answerRegistration, loginIsProven, makeOpaqueSetup } from "../../crypto/opaque.ts";

const parties = { name: "ada", relay: "R".repeat(43) };
const setup = await makeOpaqueSetup();

/** How a password is registered. */
async function registered(thread: OpaqueThread, password: string): Promise<string> {
  const { state, request } = await thread.run("beginRegistration", password);
  const response = await answerRegistration(setup, parties.name, request);
  return await thread.run("finishRegistration", password, state, parties, response);
}

Deno.test("a password that was registered in the thread logs in from it, and the thread stops nobody meanwhile", async () => {
  using thread = new OpaqueThread();
  const record = await registered(thread, "correct horse");
  const { state, request } = await thread.run("beginLogin", "correct horse");
  const answer = await answerLogin(setup, parties, record, request);
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  const finish = await thread.run("finishLogin", "correct horse", state, parties, answer.response);
  clearInterval(timer);
  assert.ok(finish !== null && await loginIsProven(answer.state, parties, finish));
  assert.ok(turns > 3, `the main thread went on: ${turns} turns`);
});

Deno.test("another password is null, not an error", async () => {
  using thread = new OpaqueThread();
  const record = await registered(thread, "correct horse");
  const { state, request } = await thread.run("beginLogin", "battery staple");
  const { response } = await answerLogin(setup, parties, record, request);
  assert.equal(await thread.run("finishLogin", "battery staple", state, parties, response), null);
});

Deno.test("a relay that answers nonsense is bad_frame, and the thread goes on", async () => {
  using thread = new OpaqueThread();
  const { state } = await thread.run("beginRegistration", "correct horse");
  await assert.rejects(thread.run("finishRegistration", "correct horse", state, parties, "x"), { code: "bad_frame" });
  assert.ok((await thread.run("beginLogin", "correct horse")).request);
});

Deno.test("who closes the thread while it works gets an error, not silence", async () => {
  const thread = new OpaqueThread();
  const waiting = thread.run("beginLogin", "correct horse");
  thread[Symbol.dispose]();
  await assert.rejects(waiting, { code: "invariant" });
  await assert.rejects(thread.run("beginLogin", "correct horse"), { code: "invariant" });
});
