/** What `qight device …` commands share: a session, and the list of the own devices over it. @module */
import type { DeviceRoom } from "../client/devices.ts";
import { asQightError } from "../proto/errors.ts";
import { AccountService } from "../proto/gen/qight/v1/login_pb.ts";
import { type Connected, Messenger } from "./messenger.ts";
import { orAborted } from "./send_one.ts";
import type { Call } from "./tree/spec.ts";

/** What a command about devices works with. */
export interface DeviceWork {
  readonly messenger: Messenger;
  readonly room: Connected;
  readonly devices: DeviceRoom;
}

/** Runs `work` over a session of this device. */
export async function withDevices(
  { settings, out, signal }: Pick<Call, "settings" | "out" | "signal">,
  work: (with_: DeviceWork) => Promise<void>,
): Promise<void> {
  await using messenger = await Messenger.open(settings, out);
  const room = await orAborted(messenger.connect(), signal);
  await using _relay = room.relay;
  const { store, self: identity, clock } = messenger;
  await orAborted(work({ messenger, room, devices: { relay: room.relay, store, identity, clock } }), signal);
}

/** What to say when a revocation ended the recovery codes, since the revoked device had made them; null when they stay. */
export async function codesEnded(
  { relay }: Pick<Connected, "relay">,
  before: number,
  command = "qight account codes",
): Promise<string | null> {
  if (before === 0 || await codesAt({ relay }) > 0) return null;
  return `It had made the recovery codes, which are worth nothing any more. Make new ones: ${command}`;
}

/** Recovery codes that the account has at this relay; 0 also at one that keeps none. */
export async function codesAt({ relay }: Pick<Connected, "relay">): Promise<number> {
  try {
    return (await relay.rpc.unary(AccountService.method.showAccount, {})).recoveryCodes;
  } catch (thrown) {
    if (asQightError(thrown).code !== "unknown_method") throw thrown;
    return 0;
  }
}

/**
 * Comes into conversations that wait (`catchUp`), takes the leaves of devices that went out of them, or brings in those that came;
 * what fails is done later.
 */
export async function inConversations(
  { messenger, room }: Pick<DeviceWork, "messenger" | "room">,
  work: "catchUp" | "bringInOwnDevices" | "removeGoneDevices",
): Promise<void> {
  const { groupsAt } = await import("../client/participant_groups.ts");
  const groups = groupsAt(messenger, { client: () => Promise.resolve(room.relay) });
  // A device that is trusted no more may have spoilt what recovery codes bring back: the next session writes it anew.
  if (work === "removeGoneDevices") await messenger.store.write(({ recoveryMarks }) => recoveryMarks.doubt());
  try {
    for (const error of await groups[work]()) messenger.detail(`a conversation was left for later: ${error.message}`);
  } catch (thrown) {
    // The list is in force: every later command goes on with what is left.
    messenger.detail(`conversations are left for later: ${asQightError(thrown).message}`);
  }
}
