/** Error codes that only a lying, failing or strange relay provokes: the real command line against hostile relays. @module */
import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ErrorCode, errorTable } from "../../proto/errors.ts";
import { FetchResponseSchema, SendRequestSchema } from "../../proto/gen/qight/v1/delivery_pb.ts";
import { GetSealingKeysResponseSchema } from "../../proto/gen/qight/v1/directory_pb.ts";
import { ClaimKeyPackagesResponseSchema } from "../../proto/gen/qight/v1/key_package_pb.ts";
import { FailureSchema, PartSchema } from "../../proto/gen/qight/v1/frame_pb.ts";
import { HelloResponseSchema, PingResponseSchema } from "../../proto/gen/qight/v1/session_pb.ts";
import type { RootKey } from "../../relay/data_folder/root_key.ts";
import { hostileRelay, type HostileRelayOptions } from "../helpers/hostile_relay/hostile_relay.ts";
import { stolenRootKey } from "../helpers/hostile_relay/listening.ts";
import { admitting, answeringFrame, failing } from "../helpers/hostile_relay/scripts.ts";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
let relay: RunningRelay;
let root: RootKey;
let ada: Awaited<ReturnType<World["member"]>>;
let bob: Awaited<ReturnType<World["member"]>>;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  root = await stolenRootKey(relay.dataDir);
  [ada, bob] = await Promise.all([world.member("ada", relay), world.member("bob", relay)]);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

type Treat = NonNullable<HostileRelayOptions["treat"]>;

interface Lie {
  readonly code: ErrorCode;
  /** What the relay does; the rest of the row's name. */
  readonly does: string;
  readonly command: "ping" | "send" | "fetch";
  /** What the error's sentence says, with and without --json. */
  readonly says: RegExp;
  treat(...call: Parameters<Treat>): ReturnType<Treat>;
}

/** `send` makes one call, and with --json the one that gives a receipt too. */
const isCall = (called: string, name: string) => called === name || (name === "Send" && called === "SendForReceipt");

/** Changes the reply of one call. */
const changing = (name: string, change: (reply: Uint8Array) => Uint8Array): Lie["treat"] => (called) =>
  isCall(called, name) ? { reply: (message) => message ? [change(message)] : [] } : undefined;

/** Answers one call. */
const answering = (name: string, treatment: ReturnType<Treat>): Lie["treat"] => (called) =>
  isCall(called, name) ? treatment : undefined;

/** Changes the envelope of a send on its way to the real relay. */
const changingEnvelope = (change: (envelope: Uint8Array) => Uint8Array): Lie["treat"] => (name) =>
  !isCall(name, "Send") ? undefined : {
    request(message) {
      if (!message) return [];
      const { envelope } = fromBinary(SendRequestSchema, message);
      return [toBinary(SendRequestSchema, create(SendRequestSchema, { envelope: change(envelope) }))];
    },
  };

/** Changes the challenge of HELLO. */
const changingChallenge = (change: (challenge: { relayNonce: Uint8Array; root: Uint8Array }) => void) =>
  changing("Hello", (reply) => {
    const said = fromBinary(HelloResponseSchema, reply);
    if (said.step.case === "challenge") change(said.step.value);
    return toBinary(HelloResponseSchema, said);
  });

const flipped = (bytes: Uint8Array, at: number) => bytes.with(at, bytes.at(at)! ^ 1);

const strangeFailure = toBinary(
  PartSchema,
  create(PartSchema, { kind: { case: "failure", value: create(FailureSchema, { number: 424_242, message: "?" }) } }),
);

const lies: Lie[] = [
  {
    code: "stale_epoch",
    does: "says of each message to a conversation that the group has moved on",
    command: "send",
    says: /The group has moved on meanwhile/,
    treat: answering("Send", failing("stale_epoch")),
  },
  {
    code: "bad_frame",
    does: "answers a ping with bytes that are no frame of qight",
    command: "ping",
    says: /A reply of the relay does not decode/,
    treat: answering("Ping", answeringFrame(Uint8Array.of(0xff, 0xff, 0xff))),
  },
  {
    code: "bad_frame",
    does: "answers a ping with an end and no answer",
    command: "ping",
    says: /The relay ended Ping without an answer/,
    treat: answering("Ping", { answer: (call) => call.end() }),
  },
  {
    code: "message_too_large",
    does: "announces an answer of 2 MiB to a ping",
    command: "ping",
    says: /Cannot read a frame of 2097152 bytes: the limit is \d+/,
    treat: answering("Ping", answeringFrame(new Uint8Array(2 * 1024 * 1024))),
  },
  {
    code: "protocol",
    does: "challenges with a nonce of 3 bytes",
    command: "ping",
    says: /The relay's challenge is malformed/,
    treat: changingChallenge((challenge) => challenge.relayNonce = new Uint8Array(3)),
  },
  {
    code: "protocol",
    does: "admits before it was shown a proof",
    command: "ping",
    says: /did not answer HELLO with its challenge/,
    treat: answering("Hello", answeringFrame(Uint8Array.of(0x0a, 0x02, 0x12, 0x00))),
  },
  {
    code: "wrong_relay",
    does: "shows another root key in its challenge than in its certificate",
    command: "send",
    says: /another root key than the one its address names/,
    treat: changingChallenge((challenge) => challenge.root = new Uint8Array(32)),
  },
  {
    code: "bad_proof",
    does: "hands on a challenge of its own, as one would to use a proof elsewhere",
    command: "send",
    says: /The proof of the device key is not valid/,
    treat: changingChallenge((challenge) => challenge.relayNonce = flipped(challenge.relayNonce, 0)),
  },
  {
    code: "no_session",
    does: "admits by itself and hands the calls on",
    command: "send",
    says: /GetSealingKeys needs a session: say hello first/,
    treat: (name) => name === "Hello" ? admitting(() => root.publicKey) : undefined,
  },
  {
    code: "unknown_method",
    does: "does not know a call that this program makes",
    command: "ping",
    says: /The relay does not know call 999/,
    treat(name, header) {
      if (name === "Ping") header.method = 999;
      return undefined;
    },
  },
  {
    code: "bad_envelope",
    does: "gets an envelope whose end was cut off on the way",
    command: "send",
    says: /envelope/,
    treat: changingEnvelope((envelope) => envelope.subarray(0, -1)),
  },
  {
    code: "bad_signature",
    does: "gets an envelope that was changed on the way",
    command: "send",
    says: /[Ss]ignature/,
    treat: changingEnvelope((envelope) => flipped(envelope, -1)),
  },
  {
    code: "bad_bundle",
    does: "changes one bit of a device list",
    command: "send",
    says: /Cannot use the bundle|bundle/,
    treat: changing("GetSealingKeys", (reply) => {
      const said = fromBinary(GetSealingKeysResponseSchema, reply);
      return toBinary(GetSealingKeysResponseSchema, { ...said, bundle: flipped(said.bundle, -1) });
    }),
  },
  {
    code: "draining",
    does: "is about to stop",
    command: "send",
    says: /^The relay is shutting down/,
    treat: answering("Send", failing("draining")),
  },
  {
    code: "busy",
    does: "has too much under way",
    command: "send",
    says: /^Too many/,
    treat: answering("Send", failing("busy")),
  },
  {
    code: "invariant",
    does: "says that its own state is broken",
    command: "ping",
    says: /^An internal invariant is broken/,
    treat: answering("Ping", failing("invariant")),
  },
  {
    code: "internal",
    does: "had an error that nobody foresaw",
    command: "send",
    says: /^An unexpected error happened/,
    treat: answering("GetSealingKeys", failing("internal")),
  },
  {
    code: "internal",
    does: "fails with a number that no table has",
    command: "ping",
    says: /^\?$/,
    treat: answering("Ping", answeringFrame(strangeFailure)),
  },
];

for (const { code, does, command, says, treat } of lies) {
  row(`${code}: a relay that ${does}`, async () => {
    await using hostile = await hostileRelay({ behind: relay.address, root, treat });
    const args = command === "send" ? ["send", bob.id, "x"] : [command];
    const asJson = await ada.run([...args, "--json", "--relay", hostile.address, "--timeout", "5s"]);
    const { exit, hint } = errorTable[code];
    const error = errorOf(asJson);
    assert.equal(error.code, code, JSON.stringify(error));
    assert.equal(error.exit, exit);
    assert.equal(asJson.code, exit);
    assert.match(error.message, says);
    assert.equal(error.hint, hint);

    const asText = await ada.run([...args, "--relay", hostile.address, "--timeout", "5s"]);
    assert.equal(asText.code, exit);
    const [sentence, next, ...more] = asText.stderr.trimEnd().split("\n");
    assert.match(sentence.replace(/^qight: /, ""), says);
    assert.equal(next, `  ${hint}`);
    assert.deepEqual(more, [], "one sentence and one hint, and nothing else");
  });
}

row(
  "a relay that changes the KeyPackages which it hands out gets no conversation: mail goes sealed, and says so",
  async () => {
    const cat = await world.member("cat", relay);
    const treat = changing("ClaimKeyPackages", (reply) => {
      const said = fromBinary(ClaimKeyPackagesResponseSchema, reply);
      for (const one of said.packages) one.keyPackage = flipped(one.keyPackage, -1);
      return toBinary(ClaimKeyPackagesResponseSchema, said);
    });
    await using hostile = await hostileRelay({ behind: relay.address, root, treat });
    const { stdout, stderr } = await ada.run(["send", cat.id, "x", "--json", "--relay", hostile.address]);
    assert.equal(JSON.parse(stdout).via, "sealed");
    assert.match(
      stderr,
      /^sent sealed, not in a conversation: No device of qid1\S+ can be added to a conversation yet\n$/,
    );
    assert.match(await cat.ok(["fetch"]), / x$/);
  },
);

for (const command of ["ping", "send", "fetch"] as const) {
  row(
    `regression: busy: ${command} to a relay that admits no more connections from here says so, not "unreachable"`,
    async () => {
      const closing = { code: errorTable.busy.number, reason: "too many connections from this address" };
      await using hostile = await hostileRelay({ root, closing });
      const args = command === "send" ? ["send", bob.id, "x"] : [command];
      const outcome = await ada.run([...args, "--json", "--relay", hostile.address]);
      assert.equal(outcome.code, errorTable.busy.exit, outcome.stderr);
      assert.equal(errorOf(outcome).code, "busy");
      assert.match(errorOf(outcome).message, /Too many connections.*: too many connections from this address/);
    },
  );
}

row("a relay that closes a fresh connection as if the command were wrong is only unreachable", async () => {
  const closing = { code: errorTable.usage.number, reason: "no" };
  await using hostile = await hostileRelay({ root, closing });
  assert.equal(errorOf(await ada.run(["ping", "--json", "--relay", hostile.address])).code, "unreachable");
});

row("version_conflict: a relay that never takes the device list, as if somebody else were always faster", async () => {
  const treat = answering("PublishBundle", failing("version_conflict"));
  await using hostile = await hostileRelay({ behind: relay.address, root, treat });
  const eve = world.person("eve", { QIGHT_RELAY: hostile.address });
  const made = await eve.run(["key", "gen", "--no-passphrase"]);
  assert.equal(made.code, 0);
  assert.match(made.stderr, /^warning: the relay does not know this key yet \(Somebody else changed it first\)/);
  const outcome = await eve.run(["send", bob.id, "x", "--json"]);
  assert.equal(outcome.code, 65);
  assert.equal(errorOf(outcome).code, "version_conflict");
});

for (const seq of [0n, 2n ** 60n]) {
  row(`regression: protocol: a relay that numbers a message ${seq}; the message is not lost by it`, async () => {
    const treat = changing("Fetch", (reply) => {
      const said = fromBinary(FetchResponseSchema, reply);
      if (said.kind.case === "delivered") said.kind.value.seq = seq;
      return toBinary(FetchResponseSchema, said);
    });
    await using hostile = await hostileRelay({ behind: relay.address, root, treat });
    await ada.ok(["send", bob.id, `numbered ${seq}`]);
    const outcome = await bob.run(["fetch", "--json", "--relay", hostile.address]);
    assert.equal(outcome.code, 76, outcome.stderr);
    assert.equal(errorOf(outcome).code, "protocol");
    assert.match(errorOf(outcome).message, new RegExp(`numbers a message ${seq}$`));
    assert.match(await bob.ok(["fetch"]), new RegExp(`numbered ${seq}$`));
  });
}

/** Moves the cursor, writes the clipboard, turns text around: what a terminal must never get from a relay. */
const evil = "\u001b[2J\u001b]52;c;cm0gLXJm\u0007\u009b31m\u202egnol";
// deno-lint-ignore no-control-regex
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

row(
  "regression: words of a hostile relay reach a terminal, also with --debug, with their control characters shown, not obeyed",
  async () => {
    const hello = admitting(() => root.publicKey, { accepted: { relayVersion: evil } });
    const treats: Record<string, Treat> = {
      "in a failure": answering("Ping", failing("not_allowed", evil)),
      "in the reason of a close": () => undefined,
      "in its version": (name) =>
        name === "Hello"
          ? hello
          : name === "Ping"
          ? { answer: (call) => call.reply(PingResponseSchema, {}) }
          : undefined,
    };
    for (const [where, treat] of Object.entries(treats)) {
      const closing = { code: errorTable.busy.number, reason: evil };
      await using hostile = await hostileRelay({
        behind: relay.address,
        root,
        treat,
        ...(where === "in the reason of a close" ? { closing } : {}),
      });
      const { stdout, stderr } = await ada.run(["ping", "--debug", "--relay", hostile.address, "--timeout", "3s"]);
      assert.match(stdout + stderr, /u001b/, `${where}: ${stdout}${stderr}`);
      assert.doesNotMatch(stdout + stderr, control, `${where}: ${JSON.stringify(stdout + stderr)}`);
    }
  },
);

for (const call of ["Hello", "Ping"]) {
  row(`a relay that never answers ${call} holds a command no longer than --timeout`, async () => {
    const treat = answering(call, { answer: () => new Promise<void>(() => {}) });
    await using hostile = await hostileRelay({ behind: relay.address, root, treat });
    const outcome = await ada.run(["ping", "--json", "--relay", hostile.address, "--timeout", "1s"]);
    assert.equal(errorOf(outcome).code, "timeout");
    assert.match(errorOf(outcome).message, new RegExp(`did not answer ${call} within 1000 ms`));
  });
}

row("nothing that a hostile relay refused or lost reaches anybody later", async () => {
  assert.equal(await ada.ok(["send", bob.id, "only this"]).then((id) => id.length), 32);
  assert.match(await bob.ok(["fetch"]), /^\S+ {2}\S+ {2}only this$/);
});
