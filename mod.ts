/**
 * qight as a library: a messenger, and below it keys, signed envelopes and a client of a relay.
 *
 * @example Two people and a group. Where a test starts its relay, yours has its address.
 * ```ts
 * import { Messenger } from "./mod.ts";
 * import { testRelay } from "./tests/helpers/test_relay.ts";
 * import assert from "node:assert/strict";
 *
 * await using running = await testRelay();
 * const folder = await Deno.makeTempDir();
 * {
 *   const at = { relay: running.address, makeKey: true };
 *   await using ada = await Messenger.open({ ...at, dataDir: `${folder}/ada` });
 *   await using bob = await Messenger.open({ ...at, dataDir: `${folder}/bob` });
 *
 *   const { id, via } = await ada.send(bob.id, "see you at eight");
 *   assert.equal(via, "mls");
 *   for await (const message of bob.messages()) {
 *     assert.deepEqual([message.id, message.from, message.text], [id, ada.id, "see you at eight"]);
 *     await message.reply("fine with me");
 *     break; // left before the next one was asked for: it comes again
 *   }
 *
 *   await ada.groups.create("ops", [bob.id]);
 *   const table = { name: "numbers.csv", data: new TextEncoder().encode("1,2\n") };
 *   await ada.send("#ops", { text: "the numbers", files: [table] });
 *   const said = [];
 *   for await (const { in: where, text, redelivered, files } of bob.messages({ follow: false })) {
 *     said.push([where, text, redelivered, files.map(({ name }) => name)]);
 *   }
 *   assert.deepEqual(said, [
 *     [ada.id, "see you at eight", true, []],
 *     ["#ops", "the numbers", false, ["numbers.csv"]],
 *   ]);
 *   assert.deepEqual((await ada.conversations()).map(({ title }) => title)[0], "#ops");
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * @example
 * ```ts
 * import { genKeypair, signMessage, verifyMessage } from "./mod.ts";
 * import assert from "node:assert/strict";
 *
 * const ada = await genKeypair();
 * const bytes = new TextEncoder().encode("release 1.0");
 * const signature = await signMessage(ada, bytes);
 * assert.equal(await verifyMessage(ada.publicKey, bytes, signature), true);
 * bytes[0] ^= 1;
 * assert.equal(await verifyMessage(ada.publicKey, bytes, signature), false);
 * ```
 *
 * @example A relay client speaks for a device key.
 * ```ts ignore
 * import { genKeypair, RelayClient } from "./mod.ts";
 *
 * await using relay = await RelayClient.connect("qight://ROOT@127.0.0.1:4433", { signer: await genKeypair() });
 * for await (const event of relay.fetch()) console.log(event);
 * ```
 * @module
 */
export { Messenger } from "./client/messenger.ts";
export type { MessagesChoices, MessengerOptions, SendChoices, SentMessage } from "./client/messenger_options.ts";
export type { NamedGroup, NamedGroups, NamedMember } from "./client/named_groups.ts";
export type { Outgoing, OutgoingFile } from "./client/outgoing.ts";
export type { ReceivedMessage } from "./client/received_message.ts";
export { type SavedFile, saveFiles } from "./client/storage/save_files.ts";
export { genKey, genKeypair, type Keypair } from "./client/keypair.ts";
export { MessageEnvelope, type NewEnvelope } from "./client/message_envelope.ts";
export { type ConnectOptions, type DeliveryEvent, type FetchOptions, RelayClient } from "./client/relay_client.ts";
export type { SendOptions, SendOutcome, SendReceipt, SignedReceipt } from "./client/relay_client.ts";
export type { Signer } from "./crypto/ed25519.ts";
export { openReceipt, type ReceiptFields } from "./crypto/receipt.ts";
export { signMessage, verifyMessage } from "./crypto/signed_message.ts";
export { type ErrorCode, QightError } from "./proto/errors.ts";
