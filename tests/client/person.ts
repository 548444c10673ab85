/** A person with an account, a device and a store, for the client's tests. @module */
import { create } from "@bufbuild/protobuf";
import { accountFromSeed } from "../../crypto/account.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { KeyDirectory } from "../../client/directory.ts";
import type { Author, Identity } from "../../client/identity.ts";
import { Inbox, type InboxOptions } from "../../client/inbox.ts";
import type { Draft } from "../../client/messages.ts";
import { newMessageId } from "../../client/message_id.ts";
import { createOutbox, type Outbox } from "../../client/outbox.ts";
import { ensurePublished } from "../../client/publish.ts";
import { Reconnector } from "../../client/reconnect.ts";
import type { RelayClient } from "../../client/relay_client.ts";
import type { SendRoom } from "../../client/send.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import type { ClientStore } from "../../client/storage/store.ts";
import { type Content, ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import type { MailRelay } from "./mail_relay.ts";
import { countingRandom } from "./test_clock.ts";

/** Somebody who uses the client. */
export class Person implements AsyncDisposable {
  readonly random;
  relay!: RelayClient;
  author!: Author;

  private constructor(readonly mail: MailRelay, readonly identity: Identity, public store: ClientStore, seed: number) {
    this.random = countingRandom(seed);
  }

  /** Makes a person and publishes their keys. `path` is a store file; in memory unless given. */
  static async join(mail: MailRelay, seed: number, path = ":memory:", deviceSeed = seed): Promise<Person> {
    const identity = {
      account: await accountFromSeed(new Uint8Array(32).fill(seed)),
      signer: await signerFromSeed(new Uint8Array(32).fill(deviceSeed + 100)),
      deviceName: `device ${deviceSeed}`,
    };
    const person = new Person(mail, identity, await openStore(path), deviceSeed);
    await person.connect();
    return person;
  }

  /** A new session, keys published. */
  async connect(): Promise<void> {
    this.relay = await this.mail.connect({ signer: this.identity.signer, random: this.random });
    const { bundle } = await ensurePublished({
      relay: this.relay,
      store: this.store,
      identity: this.identity,
      clock: this.mail.clock,
      random: this.random,
    });
    this.author = { signer: this.identity.signer, bundle };
  }

  get account(): Uint8Array {
    return this.identity.account.hash;
  }

  get device(): Uint8Array {
    return this.identity.signer.publicKey;
  }

  get directory(): KeyDirectory {
    return new KeyDirectory(this.store, this.mail.clock);
  }

  get outbox(): Outbox {
    return createOutbox({ store: this.store, relay: "relay.test", clock: this.mail.clock, random: this.random });
  }

  get room(): SendRoom {
    return { relay: this.relay, outbox: this.outbox, directory: this.directory, author: this.author };
  }

  get inbox(): Inbox {
    return this.inboxOver({ client: () => Promise.resolve(this.relay) });
  }

  inboxOver(source: InboxOptions["source"]): Inbox {
    const { store, directory, device } = this;
    return new Inbox({ source, store, directory, device, clock: this.mail.clock });
  }

  /** Sessions that come back when they are lost. */
  reconnector(): Reconnector {
    const { mail, identity: { signer }, random } = this;
    return new Reconnector({ connect: () => mail.connect({ signer }), timeoutMs: 10_000, clock: mail.clock, random });
  }

  draft(text: string, id = newMessageId(this.mail.clock.now(), this.random)): Draft {
    return { id, createdAtMs: this.mail.clock.now(), ttlS: 0, plaintext: false, content: textContent(text) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }
}

/** The store of a test: always the same key. */
export function openStore(path: string): Promise<ClientStore> {
  return openSqliteStore({ path, key: new Uint8Array(32).fill(5) });
}

/** Content with a text. */
export function textContent(text: string): Content {
  return create(ContentSchema, { body: { case: "text", value: text } });
}
