/** Offers a person at a terminal the relays of this network when no relay is chosen. Never chooses by itself. @module */
import type { FoundRelay } from "../net/mdns/found.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { discoverRelays } from "./discovery.ts";
import { escapeLine } from "./escape.ts";
import { Output } from "./output.ts";
import { askLine, hasTerminal } from "./terminal.ts";
import type { Settings } from "./settings.ts";

/** How long a person waits for the offer, milliseconds. */
const LISTEN_MS = 2_000;
/** As many as can be read at once; whoever sees more has somebody who floods the network. */
const MOST_OFFERED = 9;

/** What the offer needs of the world; tests hand in their own. */
export interface OfferRoom {
  discover(): Promise<readonly FoundRelay[]>;
  ask(question: string): Promise<string>;
  /** Writes the relay down under a name. */
  keep(name: string, address: string): Promise<void>;
}

/** Whether there is somebody to ask: what is written to stderr is seen, and the terminal can be read. */
export async function canOffer(settings: Pick<Settings, "mayAsk">): Promise<boolean> {
  return settings.mayAsk && Deno.stderr.isTerminal() && await hasTerminal();
}

/**
 * Asks which relay to use; `no_relay` when there is none or none is taken. `-y` does not answer this question: anybody on
 * the network may announce a relay.
 */
export async function offerRelay(
  settings: Settings,
  out: Output,
  room: OfferRoom = usualRoom(settings, out),
): Promise<string> {
  out.error("No relay is chosen; looking for one on this network …");
  const found = await room.discover();
  if (found.length === 0) throw new QightError("no_relay", "No relay is chosen, and none answered on this network");
  const shown = found.slice(0, MOST_OFFERED);
  for (const [at, { name, addresses: [address] }] of shown.entries()) {
    out.error(`  ${at + 1}  ${address}  ${escapeLine(name)}`);
  }
  if (found.length > shown.length) out.error(`  … and ${found.length - shown.length} more: qight discover`);
  out.error("Anybody on this network can announce a relay: compare the part before @ with what its operator gave you.");
  const chosen = found.length === 1
    ? /^y(es)?$/i.test(await room.ask("Use it for this command? [y/N] ")) ? found[0] : undefined
    : shown[Number(await room.ask(`Which one for this command? [1-${shown.length}, Enter for none] `)) - 1];
  if (!chosen) throw new QightError("no_relay", "No relay is chosen");
  const [address] = chosen.addresses;
  const name = await room.ask("Keep it as a context? A name, or Enter for this command only: ");
  if (name !== "") await keeping(out, () => room.keep(name, address));
  return address;
}

/** A name that cannot be had is no reason not to do what was asked for. */
async function keeping(out: Output, keep: () => Promise<void>): Promise<void> {
  try {
    await keep();
  } catch (thrown) {
    const { message, hint } = asQightError(thrown);
    out.error(`not kept: ${message}\n  ${hint}`);
  }
}

function usualRoom(settings: Settings, out: Output): OfferRoom {
  return {
    ask: askLine,
    discover: async () => {
      const { relays } = await discoverRelays({ waitMs: LISTEN_MS, onTrouble: (what) => out.detail(what) });
      return relays;
    },
    keep: (name, relay) => keepRelay(settings, name, relay),
  };
}

/** Writes a relay down as a context, in use from now on unless another one is. */
export async function keepRelay(settings: Settings, name: string, relay: string): Promise<void> {
  const { addContext } = await import("./commands/context_add.ts");
  // What stands on stdout belongs to the command that asked. Verbose, so that a context in use already is mentioned.
  const aside = new Output({ json: false, quiet: false, verbose: 1 }, Deno.stderr);
  await addContext(name, { ...settings, flags: { relay, verbose: 0 } }, aside, { use: true });
}
