/**
 * OPAQUE from outside, over the library: the library takes its randomness from the platform, so of RFC 9807's vectors
 * only what is deterministic at the relay can be asked for: the answer to a registration, and the evaluated element of
 * a login. The rest is held against the sizes, and against what an attacker would see.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  answerLogin,
  answerRegistration,
  beginLogin,
  beginRegistration,
  checkRecord,
  finishLogin,
  finishRegistration,
  loginIsProven,
  makeOpaqueSetup,
  OPAQUE_BYTES,
  type OpaqueParties,
} from "../../crypto/opaque.ts";
import { readVectors, vectorTest } from "./vectors.ts";

const ADA = { name: "ada", relay: "r".repeat(43) };
const setup = await makeOpaqueSetup();
const record = await registered("ada", "correct horse");

async function registered(name: string, password: string, by = setup): Promise<string> {
  const { state, request } = await beginRegistration(password);
  return await finishRegistration(password, state, { ...ADA, name }, await answerRegistration(by, name, request));
}

interface Login {
  readonly by?: string;
  readonly at?: OpaqueParties;
  readonly stored?: string | null;
  /** Whom the client believes to be, and where; as the relay unless given. */
  readonly client?: OpaqueParties;
}

async function logIn(password: string, { by = setup, at = ADA, stored = record, client = at }: Login = {}) {
  const begun = await beginLogin(password);
  const { state, response } = await answerLogin(by, at, stored, begun.request);
  const finish = await finishLogin(password, begun.state, client, response);
  return { state, response, request: begun.request, finish };
}

const bytesOf = (text: string) => Uint8Array.fromBase64(text, { alphabet: "base64url" });
const base64url = (bytes: Uint8Array) => bytes.toBase64({ alphabet: "base64url", omitPadding: true });
const badFrame = (thrown: unknown) => (thrown as { code?: string }).code === "bad_frame";

Deno.test("the right password opens, in any Unicode form; another one, name or relay does not", async (t) => {
  const { state, finish } = await logIn("correct horse");
  assert.ok(finish !== null);
  assert.equal(await loginIsProven(state, ADA, finish), true);
  const umlaut = await registered("ada", "fu\u0308r");
  assert.notEqual((await logIn("f\u00fcr", { stored: umlaut })).finish, null);
  const rows: [string, Login, string][] = [
    ["another password", {}, "Correct horse"],
    ["a name that nobody has", { stored: null }, "correct horse"],
    ["another name's record", { at: { ...ADA, name: "eve" } }, "correct horse"],
    ["a relay that calls itself otherwise", { client: { ...ADA, relay: "x".repeat(43) } }, "correct horse"],
    ["another relay's setup", { by: await makeOpaqueSetup() }, "correct horse"],
  ];
  for (const [what, options, password] of rows) {
    await t.step(what, async () => assert.equal((await logIn(password, options)).finish, null));
  }
});

Deno.test("messages have the sizes of RFC 9807, and those of unknown names are as long as those of known ones", async () => {
  const known = await logIn("correct horse");
  const unknown = await logIn("correct horse", { stored: null, at: { ...ADA, name: "nobody" } });
  assert.equal(bytesOf(known.request).length, OPAQUE_BYTES.ke1);
  assert.equal(bytesOf(known.response).length, OPAQUE_BYTES.ke2);
  assert.equal(bytesOf(known.finish!).length, OPAQUE_BYTES.ke3);
  assert.equal(bytesOf(record).length, OPAQUE_BYTES.record);
  assert.equal(unknown.response.length, known.response.length);
  assert.equal(unknown.state.length, known.state.length);
});

Deno.test("asked twice about a name that nobody has, the relay evaluates the same; only what is fresh for all differs", async () => {
  const { request } = await beginLogin("guess");
  const evaluated = async (name: string, stored: string | null, by = setup) => {
    const { response } = await answerLogin(by, { ...ADA, name }, stored, request);
    return bytesOf(response).slice(0, 32).toHex();
  };
  assert.equal(await evaluated("nobody", null), await evaluated("nobody", null));
  assert.equal(await evaluated("ada", record), await evaluated("ada", record));
  assert.notEqual(await evaluated("nobody", null), await evaluated("noone", null));
  assert.equal(await evaluated("ada", null), await evaluated("ada", record), "registering later changes nothing of it");
});

Deno.test("a proof is good for the login that it answers, and for no other", async () => {
  const [one, other] = [await logIn("correct horse"), await logIn("correct horse")];
  assert.equal(await loginIsProven(other.state, ADA, one.finish!), false);
  const damaged = bytesOf(one.finish!);
  damaged[63] ^= 1;
  assert.equal(await loginIsProven(one.state, ADA, base64url(damaged)), false);
  for (const finish of ["", "AAAA", `${one.finish}AA`, "!".repeat(86)]) {
    assert.equal(await loginIsProven(one.state, ADA, finish), false, finish);
  }
});

Deno.test("what is too long, too short, not base64url or spelled in another way is no message", async () => {
  const { request } = await beginLogin("x");
  const spelled = request.slice(0, 42).padEnd(43, "_");
  for (
    const text of ["", `${request}AAAA`, request.slice(0, -1), `${request.slice(0, -1)}=`, `${request.slice(0, -1)}!`]
  ) {
    await assert.rejects(answerLogin(setup, ADA, record, text), badFrame, text);
    await assert.rejects(answerRegistration(setup, "ada", text), badFrame, text);
    await assert.rejects(checkRecord(setup, ADA, text), badFrame, text);
    await assert.rejects(finishRegistration("x", "", ADA, text), badFrame, text);
    await assert.rejects(finishLogin("x", "", ADA, text), badFrame, text);
  }
  await assert.rejects(answerRegistration(setup, "ada", spelled), badFrame, "bits left over");
  await assert.rejects(checkRecord(setup, ADA, "A".repeat(256)), badFrame, "no points");
  await checkRecord(setup, ADA, record);
});

Deno.test("property: random bytes of the right length are answered or refused, never a crash; the library lives on", async () => {
  const message = (size: number) => fc.uint8Array({ minLength: size, maxLength: size }).map(base64url);
  const all = fc.tuple(message(32), message(96), message(192), message(64));
  await fc.assert(
    fc.asyncProperty(all, async ([registration, ke1, some, ke3]) => {
      const asked = [
        answerRegistration(setup, "ada", registration),
        answerLogin(setup, ADA, record, ke1),
        checkRecord(setup, ADA, some),
      ];
      for (const settled of await Promise.allSettled(asked)) {
        assert.ok(
          settled.status === "fulfilled" || badFrame(settled.reason),
          String((settled as { reason: unknown }).reason),
        );
      }
      const { state } = await answerLogin(setup, ADA, record, (await beginLogin("x")).request);
      assert.equal(await loginIsProven(state, ADA, ke3), false);
    }),
    { numRuns: 50 },
  );
  assert.notEqual((await logIn("correct horse")).finish, null);
});

vectorTest(
  "RFC 9807: the relay's answer to a registration, and what it evaluates at a login, are the vectors'",
  async () => {
    // deno-lint-ignore no-explicit-any
    const vectors: any[] = readVectors("opaque/rfc9807-vectors.json");
    const ours = vectors.filter(({ config }) => config.Group === "ristretto255");
    assert.equal(ours.length, 3, "two real ones and a fake one");
    for (const { inputs, outputs, config } of ours) {
      // The library's setup: OPRF seed (64), the relay's private key (32), a public key for names that nobody has (32).
      const secrets = inputs.oprf_seed + inputs.server_private_key + inputs.server_public_key;
      const vectorSetup = base64url(Uint8Array.fromHex(secrets));
      const name = new TextDecoder().decode(Uint8Array.fromHex(inputs.credential_identifier));
      const ke1 = base64url(Uint8Array.fromHex(inputs.KE1 ?? outputs.KE1));
      const stored = config.Fake === "True" ? null : base64url(Uint8Array.fromHex(outputs.registration_upload));
      if (outputs.registration_request) {
        const request = base64url(Uint8Array.fromHex(outputs.registration_request));
        const response = await answerRegistration(vectorSetup, name, request);
        assert.equal(bytesOf(response).toHex(), outputs.registration_response);
      }
      const { response } = await answerLogin(vectorSetup, { name, relay: "" }, stored, ke1);
      assert.equal(bytesOf(response).slice(0, 32).toHex(), outputs.KE2.slice(0, 64), "the evaluated element");
    }
  },
);
