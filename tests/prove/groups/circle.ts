/**
 * The people of one group in the rows of conversations: each with folders, key, `fetch --follow`, a ledger and a store to
 * look into.
 * @module
 */
import { QightError } from "../../../proto/errors.ts";
import { Follower } from "../follower.ts";
import { type Ledger, readLedgers } from "../ledger.ts";
import { LineSender, type Load } from "../line_sender.ts";
import { Crowd } from "../lifecycle/crowd.ts";
import { person, qight, run, type Said, script } from "../processes.ts";
import type { RelayProcess } from "../relay_process.ts";
import type { Size } from "../row.ts";
import { checkFanOut, type FanOut } from "./fan_out.ts";
import { MemberStore, type View } from "./member_store.ts";

/** Somebody who is, was or may be in the group. */
export interface Member {
  readonly name: string;
  /** `qid1…` */
  readonly id: string;
  readonly env: Record<string, string>;
  readonly ledger: Ledger;
  /** Events that its reader printed: `type`, and of groups `event`. */
  readonly told: Record<string, unknown>[];
}

/** What a reader may print in a group without anything being wrong: people come and go. */
const HARMLESS = ["joined", "member_added", "member_removed", "renamed", "timer", "admin"];
/** Silence after which a program that stays takes its session for lost: a killed relay says no goodbye. */
const STAYS_TIMEOUT = "10s";
/** How long a command goes on trying. */
const COMMAND_TIMEOUT = "60s";
/** Members of a group are of one mind within this. */
const ONE_VIEW_MS = 60_000;

/** A relay and people with keys and KeyPackages; disposing kills the relay and removes every folder. */
export class Circle implements AsyncDisposable {
  readonly #crowd: Crowd;
  readonly #client: Size["clientEntry"];
  readonly #stores = new Map<string, MemberStore>();
  #group = new Uint8Array(0);

  private constructor(crowd: Crowd, client: Size["clientEntry"]) {
    this.#crowd = crowd;
    this.#client = client;
  }

  /** @param settings `QIGHT_CFG__…` of the relay over the rig's own */
  static async start(
    { relayEntry, clientEntry }: Pick<Size, "relayEntry" | "clientEntry">,
    settings: Record<string, string> = {},
  ): Promise<Circle> {
    return new Circle(await Crowd.start(settings, relayEntry), clientEntry);
  }

  get relay(): RelayProcess {
    return this.#crowd.relay;
  }

  /** The group's id; empty before there is one. */
  get group(): Uint8Array {
    return this.#group;
  }

  /** A folder of its own for anything else. */
  inside(name: string): string {
    return this.#crowd.inside(name);
  }

  /** Somebody new: folders, key, KeyPackages at the relay. */
  async member(name: string): Promise<Member> {
    const env = person(this.inside(name), this.relay.address);
    const member = { name, env, ledger: this.#crowd.ledger(name), told: [] };
    const id = await this.must(member, "key", "gen", "--no-passphrase");
    await this.must(member, "fetch");
    return { ...member, id };
  }

  /** One more device of somebody: folders of its own, the same account, KeyPackages at the relay. */
  async device(of: Member, name: string): Promise<Member> {
    const env = person(this.inside(name), this.relay.address);
    const member = { name, id: of.id, env, ledger: this.#crowd.ledger(name), told: [] };
    const path = `${this.inside(name)}/account.key`;
    await Deno.writeTextFile(path, await this.must(of, "key", "export"));
    await this.must(member, "key", "import", path);
    await this.must(member, "fetch");
    return member;
  }

  /** Several at once. */
  members(names: readonly string[]): Promise<Member[]> {
    return Promise.all(names.map((name) => this.member(name)));
  }

  /** The owner makes the group `ops`; the others are in as soon as they read. Answers how senders name it. */
  async create(owner: Member, others: readonly Member[]): Promise<string> {
    const id = await this.must(owner, "group", "create", "ops", ...others.map(({ id }) => id));
    this.#group = Uint8Array.fromHex(id);
    return `#${id}`;
  }

  /** Runs a command of this member to its end. */
  run({ env }: Pick<Member, "env">, ...args: string[]): Promise<Said> {
    return run(this.#command(...args, "--timeout", COMMAND_TIMEOUT), { env });
  }

  /** Like `run`; throws what the command said when it failed. */
  async must(member: Pick<Member, "env" | "name">, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(member, ...args);
    if (code === 0) return stdout.trim();
    throw new QightError("internal", `${member.name}: ${args.slice(0, 2).join(" ")} ended with ${code}: ${stderr}`);
  }

  /** `send` of one message with its entries in the ledger; answers what went wrong, or null. */
  async send(member: Member, to: string, n: number): Promise<string | null> {
    const text = `${member.name}-${n}-${crypto.randomUUID()}`;
    const entry = { text, sender: member.name, n };
    member.ledger.add({ kind: "intent", ...entry });
    const { code, stdout, stderr } = await this.run(member, "send", to, text);
    if (code !== 0) return `${member.name}: message ${n} ended with ${code}: ${stderr.trim()}`;
    member.ledger.add({ kind: "ack", ...entry, id: stdout.trim() });
    return null;
  }

  /** `send --lines` of this member. */
  lines({ name, env, ledger }: Member, to: string, load: Load): LineSender {
    return new LineSender(name, this.#command("send", to, "--lines", "--timeout", COMMAND_TIMEOUT), env, ledger, load);
  }

  /** `fetch --follow --json --events` of this member. */
  follow({ name, env, ledger, told }: Member): Follower {
    const command = this.#command("fetch", "--follow", "--json", "--events", "--timeout", STAYS_TIMEOUT);
    return new Follower(name, command, env, ledger, (event) => told.push(event));
  }

  /** The member's opened store; closed with the circle. */
  async store(member: Member): Promise<MemberStore> {
    let store = this.#stores.get(member.name);
    if (!store) this.#stores.set(member.name, store = await MemberStore.open(member.env));
    return store;
  }

  /** Closes a member's store, so that its files can be put away. */
  async close({ name }: Member): Promise<void> {
    await this.#stores.get(name)?.[Symbol.asyncDispose]();
    this.#stores.delete(name);
  }

  /** How the group looks to a member; null when it has no state of it. */
  async view(member: Member): Promise<View | null> {
    return await (await this.store(member)).view(this.#group);
  }

  /**
   * Waits until all of them are in one epoch of one history, at `epoch` at least. Answers that view, or what they see
   * instead.
   */
  async oneView(members: readonly Member[], epoch = 0, withinMs = ONE_VIEW_MS): Promise<View | string> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const views = await Promise.all(members.map((member) => this.view(member)));
      const [first] = views;
      const same = (view: View | null) => view !== null && view.tag === first?.tag && view.name === first.name;
      if (first && first.epoch >= epoch && views.every(same)) return first;
      if (performance.now() > deadline) {
        return `views differ: ${members.map(({ name }, at) => `${name} ${told(views[at])}`).join(", ")}`;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Waits until the relay holds nothing any more; complains when readers leave something. */
  async drained(followers: readonly Follower[], patienceMs: number): Promise<string[]> {
    const quiet = () => followers.every((follower) => follower.quietMs >= patienceMs);
    while (await this.relay.holds() > 0 && !quiet()) await new Promise((resolve) => setTimeout(resolve, 100));
    const left = await this.relay.holds();
    return left === 0 ? [] : [`the readers left ${left} messages at the relay`];
  }

  /** What the ledgers say; see `checkFanOut`. */
  verdict(readers: readonly Member[], guests: readonly Member[] = []): FanOut {
    const names = (people: readonly Member[]) => people.map(({ name }) => name);
    return checkFanOut(readLedgers(this.inside("ledgers")), names(readers), names(guests));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#stores.values()) await store[Symbol.asyncDispose]();
    await this.#crowd[Symbol.asyncDispose]();
  }

  #command(...args: string[]): string[] {
    return this.#client ? script(this.#client.path, ...this.#client.args, ...args) : qight(...args);
  }
}

/** Events that say that something was lost, refused or had to be healed, a clause for each member that was told any. */
export function troubles(members: readonly Member[], expected: readonly string[] = []): string[] {
  return members.flatMap(({ name, told }) => {
    const kinds = told.map(({ type, event }) => String(type === "group" ? event : type))
      .filter((kind) => !HARMLESS.includes(kind) && !expected.includes(kind));
    return kinds.length === 0 ? [] : [`${name} was told: ${[...new Set(kinds)].join(", ")}`];
  });
}

function told(view: View | null): string {
  return view ? `${view.epoch} ${view.tag.slice(0, 8)} ${view.name}` : "none";
}
