/** What a machine leaves behind whose device goes into another account, and the question before it does. @module */
import { systemRandom } from "../client/clock.ts";
import { followAccount } from "../client/own_account.ts";
import { counted } from "./counted.ts";
import { asQightError } from "../proto/errors.ts";
import type { Identity } from "./identity.ts";
import { Messenger } from "./messenger.ts";
import { orAborted } from "./send_one.ts";
import type { Call } from "./tree/spec.ts";
import { wantYes } from "./yes.ts";

/** What is here of an account. */
export interface LeftBehind {
  readonly contacts: number;
  readonly conversations: number;
  /** Messages (ids) that wait here to be sent: they are not sent any more. */
  readonly queued: readonly Uint8Array[];
  /** Whether mail waits at the relay. */
  readonly mail: boolean;
}

/** Looks at what the account of this machine has; asks for a yes to the step, or wants -y, when there is anything. */
export async function confirmLeaving(
  call: Pick<Call, "settings" | "out" | "signal">,
  identity: Identity,
  step = "Link this machine into another account?",
): Promise<LeftBehind> {
  const { settings, out, signal } = call;
  await using messenger = await Messenger.open(settings, out, identity);
  const left = await orAborted(leftBehind(messenger), signal);
  const { contacts, conversations, queued, mail } = left;
  if (contacts + conversations + queued.length === 0 && !mail) return left;
  out.note(`This machine has the account ${identity.account.id}:`);
  if (contacts > 0) out.note(`  ${counted(contacts, "contact")}, which stay`);
  if (conversations > 0) {
    out.note(`  ${counted(conversations, "conversation")}, which this device leaves; what was said stays`);
  }
  if (queued.length > 0) out.note(`  ${counted(queued.length, "message")} queued here, which will not be sent`);
  if (mail) out.note("  mail at the relay, which can still be read");
  await wantYes(settings, {
    question: `It is kept as retired, and nothing is written as it any more. ${step} Type yes: `,
    refused: "Nothing was changed",
  });
  return left;
}

async function leftBehind(messenger: Messenger): Promise<LeftBehind> {
  const { store, self: { account } } = messenger;
  const found = await store.write((tables) => {
    // A store that an earlier version wrote does not say yet whose it is.
    followAccount(tables, account.hash, systemRandom);
    const conversations = tables.groups.all().filter(({ status }) => status !== "left" && status !== "removed");
    return {
      contacts: tables.contacts.all().length,
      conversations: conversations.length,
      queued: tables.outbox.olderThan(Number.MAX_SAFE_INTEGER, "queued"),
      known: tables.directory.latest(account.hash) !== null,
    };
  });
  const { known, ...rest } = found;
  return { ...rest, mail: known && await mailWaits(messenger) };
}

async function mailWaits(messenger: Messenger): Promise<boolean> {
  await using relay = await messenger.dial();
  try {
    for await (const event of relay.fetch({ peek: true, max: 1 })) if (event.type === "delivered") return true;
    return false;
  } catch (thrown) {
    // A device that was revoked, or is signed out, has no mailbox there that it could still read.
    if (asQightError(thrown).exit !== 77) throw thrown;
    return false;
  }
}
