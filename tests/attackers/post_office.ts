/**
 * A relay and two people who have written to each other in every way, and all that nobody else may ever read.
 * @module
 */
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import { decodeIdentity } from "../../crypto/identity_bytes.ts";
import { accountFromSeed } from "../../crypto/account.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { openVault } from "../../crypto/vault.ts";
import { type Person, type RunningRelay, World } from "../commands/harness.ts";
import { freePort } from "../prove/processes.ts";
import { Needles } from "./needles.ts";

/** Somebody with a key, and everything secret about them. */
export interface Member extends Person {
  readonly id: string;
  readonly accountHash: Uint8Array;
  readonly deviceKey: Uint8Array;
}

/** The scene of an attack; disposing ends and removes everything. */
export interface PostOffice extends AsyncDisposable {
  readonly world: World;
  readonly relay: RunningRelay;
  readonly ada: Member;
  readonly bob: Member;
  /** Words, file names and file contents that were sent sealed, and every secret key of both people. */
  readonly secrets: Needles;
  /** A message that was sent with `--plaintext`: what a search must find, so that its silence means something. */
  readonly plain: string;
  /** Ids of the messages that were sent. */
  readonly messageIds: readonly string[];
  /** What /metrics says now. */
  metrics(): Promise<string>;
}

/** Opens the post office; some of the mail is read, the rest stays at the relay. */
export async function openPostOffice(env: Record<string, string> = {}): Promise<PostOffice> {
  await using cleanup = new AsyncDisposableStack();
  const world = cleanup.use(new World());
  const port = freePort();
  const relay = await world.relay({ env: { QIGHT_CFG__HTTP__LISTEN: `127.0.0.1:${port}`, ...env } });
  const secrets = new Needles();
  const ada = await member(world, "ada", relay, secrets);
  const bob = await member(world, "bob", relay, secrets);
  const word = (what: string) => {
    const text = `${what}-${crypto.randomUUID()}`;
    secrets.text(what, text);
    return text;
  };

  const messageIds: string[] = [];
  const send = async (from: Member, to: Member, args: string[], stdin?: string) => {
    messageIds.push(...(await from.ok(["send", to.id, ...args], stdin === undefined ? {} : { stdin })).split("\n"));
  };
  await send(ada, bob, [word("a-message-that-was-read")]);
  await bob.ok(["fetch", "--json"]);
  await send(bob, ada, [word("an-answer"), "--reply-to", messageIds[0]]);
  await send(ada, bob, [word("a-message-that-waits"), "--ttl", "1h"]);
  await send(ada, bob, ["--lines"], `${word("first-line")}\n${word("second-line")}\n`);
  await send(ada, bob, ["-f", ada.file(word("a-file-name"), word("content-of-a-file"))]);
  await send(ada, bob, [word("a-queued-message"), "--queue"]);
  await send(ada, bob, [word("the-last-message")]);
  const plain = `a-plain-message-${crypto.randomUUID()}`;
  await send(ada, bob, [plain, "--plaintext"]);

  const stack = cleanup.move();
  return {
    world,
    relay,
    ada,
    bob,
    secrets,
    plain,
    messageIds,
    metrics: async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function member(world: World, name: string, relay: RunningRelay, secrets: Needles): Promise<Member> {
  const person = await world.member(name, relay);
  const folder = person.path("data/qight");
  const { accountSeed, device } = decodeIdentity(
    await openVault(Deno.readTextFileSync(`${folder}/identity.key`), null),
  );
  secrets.bytes(`${name}'s account seed`, accountSeed).bytes(`${name}'s device seed`, device!.seed);
  secrets.bytes(`${name}'s store key`, device!.dataKey);
  const { publicKey } = await signerFromSeed(device!.seed);
  await using store = await openSqliteStore({ path: storeOf(folder), key: device!.dataKey });
  const sealing = await store.read(({ secrets }) => secrets.newest());
  secrets.bytes(`${name}'s sealing seed`, sealing!.seed);
  const { hash } = await accountFromSeed(accountSeed);
  return Object.assign(person, { accountHash: hash, deviceKey: publicKey });
}

function storeOf(folder: string): string {
  for (const { name } of Deno.readDirSync(`${folder}/stores`)) {
    if (name.endsWith(".db")) return `${folder}/stores/${name}`;
  }
  throw new Error(`no store in ${folder}`);
}
