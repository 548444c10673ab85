/**
 * Looks into the store of a member whose processes run: where it is in a group, and whom it sees there.
 * @module
 */
import { formatAccountId } from "../../../crypto/account.ts";
import { describe, epochTag, type GroupState } from "../../../crypto/mls/state.ts";
import { dialledName } from "../../../client/session.ts";
import { systemRandom } from "../../../client/clock.ts";
import { GroupStates } from "../../../client/groups/states.ts";
import { type Identity, openKeyFile } from "../../../client/storage/key_file.ts";
import { openSqliteStore } from "../../../client/storage/sqlite.ts";
import type { ClientStore } from "../../../client/storage/store.ts";
import { storePath } from "../../../client/storage/store_path.ts";
import { clientDataDir } from "../../../cli/paths.ts";
import { QightError } from "../../../proto/errors.ts";
import { parseRelayAddress } from "../../../net/address.ts";

/** A group as one member's state shows it. */
export interface View {
  readonly epoch: number;
  /** What members compare: equal only in the same epoch of the same history. */
  readonly tag: string;
  readonly name: string;
  /** Ids of accounts, sorted. */
  readonly members: readonly string[];
}

/** An opened key file and store of somebody without a passphrase. */
export class MemberStore implements AsyncDisposable {
  readonly identity: Identity;
  readonly path: string;
  readonly #store: ClientStore;
  readonly #states = new GroupStates(systemRandom);
  readonly #relay: string;

  private constructor(identity: Identity, path: string, store: ClientStore, relay: string) {
    this.identity = identity;
    this.path = path;
    this.#store = store;
    this.#relay = relay;
  }

  /** @param env as `person` makes it */
  static async open(env: Record<string, string>): Promise<MemberStore> {
    const dataDir = clientDataDir((name) => env[name]);
    const identity = await openKeyFile(`${dataDir}/identity.key`, null);
    const path = storePath(dataDir, identity.device.publicKey);
    const store = await openSqliteStore({ path, key: identity.secrets.device.dataKey });
    return new MemberStore(identity, path, store, dialledName(parseRelayAddress(env.QIGHT_RELAY)));
  }

  /** Null without a state: not in yet, removed, or lost. */
  async view(group: Uint8Array): Promise<View | null> {
    const loaded = await this.#store.write((tables) => this.#states.load(tables, this.#relay, group));
    if (!loaded || loaded.row.status === "removed" || loaded.row.status === "left") return null;
    const { epoch, members, data } = describe(loaded.state);
    const ids = new Set(members.map(({ account }) => formatAccountId(account)));
    return { epoch, tag: epochTag(loaded.state).toHex(), name: data.name, members: [...ids].sort() };
  }

  /** Its keys of a group as they are now. */
  async state(group: Uint8Array): Promise<GroupState> {
    const loaded = await this.#store.write((tables) => this.#states.load(tables, this.#relay, group));
    if (!loaded) throw new QightError("no_such_group");
    return loaded.state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }
}
