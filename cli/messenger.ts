/** Opens what carries messages as the settings say: key file, store, relay, access token. @module */
import { hasMoved } from "../client/own_account.ts";
import type { Connected } from "../client/participant.ts";
import { Participant } from "../client/participant.ts";
import type { Dial } from "../client/relay_client.ts";
import { openStoreFile } from "../client/storage/store_file.ts";
import type { ClientStore } from "../client/storage/store.ts";
import { type Identity, openIdentity, type PublicHalf, readPublicHalf } from "./identity.ts";
import type { Output } from "./output.ts";
import { chosenOrOfferedRelay } from "./relay_choice.ts";
import type { Settings } from "./settings.ts";
import { accessToken } from "./token.ts";
import { VERSION } from "./version.ts";

export type { Connected };

/** One identity with its store, ready for the relay that the settings name. */
export class Messenger extends Participant {
  readonly identity: Identity;
  /** Hears how many bytes went out, on connections that are dialled after it is set. */
  onWritten: ((bytes: number) => void) | null = null;

  private constructor(
    settings: Settings,
    out: Output,
    { identity, half }: { readonly identity: Identity; readonly half: PublicHalf | null },
    store: ClientStore,
    relayAddress: string,
  ) {
    super({
      self: { account: identity.account, signer: identity.device, deviceName: "device" },
      store,
      relayAddress,
      timeoutMs: settings.timeoutMs,
      keepHistory: settings.history.keep,
      askFirst: settings.groups.ask,
      accountSeed: identity.secrets.accountSeed,
      connection: async () => {
        await refuseOtherKey(identity, half);
        const token = await accessToken(settings);
        return {
          program: `qight/${VERSION}`,
          ...(token === undefined ? {} : { token }),
          ...(this.onWritten === null ? {} : { dial: await meteredDial(this.onWritten) }),
        };
      },
      note: (text) => out.note(text),
      detail: (text) => out.detail(text),
    });
    this.identity = identity;
  }

  /** Opens key file and store. The relay must be chosen: mail is kept apart by relay. */
  static async open(settings: Settings, out: Output, identity?: Identity): Promise<Messenger> {
    const relayAddress = await chosenOrOfferedRelay(settings, out);
    // Before the key file: people take their time with a passphrase.
    const half = await readPublicHalf(settings.identity);
    const opened = identity ?? await openIdentity(settings, out);
    return new Messenger(settings, out, { identity: opened, half }, await openStore(settings, opened), relayAddress);
  }
}

/** Opens the encrypted store of an identity, making its folder (0700) when it is absent. */
export function openStore(settings: Settings, { device, secrets }: Identity): Promise<ClientStore> {
  return openStoreFile(settings.dataDir, device.publicKey, secrets.device.dataKey);
}

/** Refuses to act as an account that the key file had when it was opened, and has no more: it would take the device back. */
async function refuseOtherKey({ path, account }: Identity, before: PublicHalf | null): Promise<void> {
  if (before?.id !== account.id) return; // beside the key file lies another one's public half, or none
  const half = await readPublicHalf(path);
  if (half && half.id !== account.id) throw hasMoved();
}

/** Only who sends files looks at bytes, and only they load what counts them. */
async function meteredDial(onWritten: (bytes: number) => void): Promise<Dial> {
  const [{ metered }, { dial }] = await Promise.all([import("../client/metered.ts"), import("../net/race.ts")]);
  return async (address, options) => metered(await dial({ address, ...options }), onWritten);
}
