/**
 * The people of a bench: a recipient and senders with their keys, kept in a file so that each load process is the same.
 * @module
 */
import { type Account, accountFromSeed } from "../../crypto/account.ts";
import { signBundle, type VerifiedBundle } from "../../crypto/bundle.ts";
import { generateSeed, type Signer, signerFromSeed } from "../../crypto/ed25519.ts";
import { fromHex, hex } from "../../crypto/hex.ts";
import { makeSealingKey, type VerifiedSealingKey } from "../../crypto/sealing_key.ts";
import { RelayClient } from "../../client/relay_client.ts";

const DAY_MS = 86_400_000;

/** An account with one device and its sealing key. */
export interface Person {
  readonly account: Account;
  readonly device: Signer;
  readonly bundle: VerifiedBundle;
  readonly sealingSeed: Uint8Array;
  readonly sealingKey: VerifiedSealingKey;
}

/** Everybody in a bench. */
export interface People {
  readonly recipient: Person;
  readonly senders: readonly Person[];
}

interface Kept {
  readonly atMs: number;
  /** Account, device and sealing seed of each person, hex; the recipient first. */
  readonly seeds: [string, string, string][];
}

/** Invents people and keeps their seeds in `path` (0600). */
export function inventPeople(path: string, senders: number): void {
  const seeds = Array.from({ length: senders + 1 }, () => [0, 1, 2].map(() => hex(generateSeed())));
  const kept: Kept = { atMs: Date.now(), seeds: seeds as Kept["seeds"] };
  Deno.writeTextFileSync(path, JSON.stringify(kept), { mode: 0o600 });
}

/** The same people again. */
export async function readPeople(path: string): Promise<People> {
  const { atMs, seeds } = JSON.parse(Deno.readTextFileSync(path)) as Kept;
  const [recipient, ...senders] = await Promise.all(seeds.map((three) => personFrom(three, atMs)));
  return { recipient, senders };
}

/** Publishes a person's bundle and sealing key, unless the relay has them. */
export async function introduce(address: string, person: Person): Promise<void> {
  await using client = await RelayClient.connect(address, { signer: person.device });
  if (await client.getBundle({ account: person.account.hash })) return;
  await client.publishBundle(person.bundle.bytes, 0);
  await client.publishSealingKey(person.sealingKey.bytes);
}

async function personFrom([accountSeed, deviceSeed, sealing]: [string, string, string], atMs: number): Promise<Person> {
  const account = await accountFromSeed(fromHex(accountSeed));
  const device = await signerFromSeed(fromHex(deviceSeed));
  const sealingSeed = fromHex(sealing);
  const dates = { createdAtMs: atMs, expiresAtMs: atMs + 30 * DAY_MS };
  const devices = [{ key: device.publicKey, name: "bench", addedAtMs: atMs }];
  const bundle = await signBundle(account, { version: atMs, ...dates, devices });
  return {
    account,
    device,
    bundle,
    sealingSeed,
    sealingKey: await makeSealingKey(device, account.hash, sealingSeed, dates),
  };
}
