/**
 * Groups for programs: people and groups are words, as everywhere else at the library's door.
 * @module
 */
import { formatAccountId } from "../crypto/account.ts";
import { asQightError } from "../proto/errors.ts";
import type { Groups, GroupView, Role } from "./groups.ts";
import type { Participant } from "./participant.ts";
import { sayLeft } from "./say_left.ts";
import type { SendRoom } from "./send_room.ts";
import { parseWho, recipientOf } from "./who.ts";

/** Somebody in a group. */
export interface NamedMember {
  /** `qid1…` */
  readonly id: string;
  /** The contact name, or null. */
  readonly name: string | null;
  readonly role: Role;
  /** This is the own account. */
  readonly own: boolean;
}

/** A group and who is in it. */
export interface NamedGroup {
  /** 64 hex digits. */
  readonly id: string;
  /** `#NAME`, as `send` takes it. */
  readonly name: string;
  readonly members: readonly NamedMember[];
}

/** The groups of one identity. A group is `#NAME`, `NAME` or its id; people are contact names or ids. */
export class NamedGroups {
  readonly #participant: Participant;
  readonly #groups: Groups;
  readonly #room: () => Promise<SendRoom>;

  /** `room`: a live session's. */
  constructor(participant: Participant, groups: Groups, room: () => Promise<SendRoom>) {
    this.#participant = participant;
    this.#groups = groups;
    this.#room = room;
  }

  /** Makes a group; all members or none. `group_exists`, `bad_name`, `no_key_package`, `no_such_recipient`. */
  async create(name: string, members: readonly string[] = []): Promise<NamedGroup> {
    return await this.#named(await this.#groups.create(name.replace(/^#/, ""), await this.#accounts(members)));
  }

  /** Adds people; who is in already stays. `no_key_package`, `no_such_recipient`, `blocked`. */
  async invite(group: string, members: readonly string[]): Promise<void> {
    await this.#groups.invite(await this.#idOf(group), await this.#accounts(members));
  }

  /** Removes people with all their devices. `not_allowed` for who is neither owner nor admin. */
  async remove(group: string, members: readonly string[]): Promise<void> {
    await this.#groups.remove(await this.#idOf(group), await this.#accounts(members));
  }

  /** Tells the others and leaves; coming back takes an invite. */
  async leave(group: string): Promise<void> {
    const id = await this.#idOf(group);
    await this.#groups.leave(id, async () => await sayLeft(this.#participant, await this.#room(), id));
  }

  /** Who is in, the owner first. */
  async members(group: string): Promise<readonly NamedMember[]> {
    return (await this.#named(await this.#groups.show(await this.#idOf(group)))).members;
  }

  /** All groups that this account is in. */
  async list(): Promise<NamedGroup[]> {
    return await Promise.all((await this.#groups.list()).map((view) => this.#named(view)));
  }

  async #idOf(word: string): Promise<Uint8Array> {
    return await nowOrCaughtUp(this.#groups, async () => (await this.#groups.find(word)).group);
  }

  async #accounts(words: readonly string[]): Promise<Uint8Array[]> {
    const accounts = [];
    for (const word of words) accounts.push(await recipientOf(parseWho(word), this.#participant.contacts));
    return [...new Map(accounts.map((account) => [account.toHex(), account])).values()];
  }

  async #named({ group, name, members }: GroupView): Promise<NamedGroup> {
    const names = await this.#participant.contacts.names();
    return {
      id: group.toHex(),
      name: `#${name}`,
      members: members.map(({ account, role, own }) => {
        return { id: formatAccountId(account), name: names.get(account.toHex()) ?? null, role, own };
      }),
    };
  }
}

/** What `look` answers; when it knows no such group, once more after what others did to the groups was taken in. */
export async function nowOrCaughtUp<T>(groups: Groups, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (thrown) {
    if (asQightError(thrown).code !== "no_such_group") throw thrown;
    await groups.tend(); // its Welcome may wait at the relay
    return await look();
  }
}
