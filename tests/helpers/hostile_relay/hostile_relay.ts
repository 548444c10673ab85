/**
 * A relay that lies: it answers calls as a script says, or stands between clients and a real relay and changes what
 * passes. Clients cannot tell it from a real one by its key, as they cannot tell an operator's intentions.
 * @module
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { parseRelayAddress, type RelayAddress } from "../../../net/address.ts";
import type { ByteStream, Connection } from "../../../net/connection.ts";
import { dial } from "../../../net/race.ts";
import { QightError } from "../../../proto/errors.ts";
import { encodeFrames, FrameReader } from "../../../proto/frame.ts";
import { type CallHeader, CallHeaderSchema } from "../../../proto/gen/qight/v1/frame_pb.ts";
import { methods } from "../../../proto/methods.ts";
import type { RootKey } from "../../../relay/data_folder/root_key.ts";
import { ScriptedCall } from "../../client/scripted_relay.ts";
import { openHostileSockets } from "./listening.ts";
import { forward, type Meddler } from "./meddling.ts";

/** What to do with one call: answer it, or let it pass through `Meddler`'s hands. */
export type Treatment =
  | { answer(call: ScriptedCall): Promise<void> }
  | Meddler;

/** How a hostile relay behaves. */
export interface HostileRelayOptions {
  /** Address of the real relay behind it; calls that no script answers are passed on there. */
  readonly behind?: string;
  /** Its root key; to stand before a real relay unnoticed it must be that relay's own. */
  readonly root?: RootKey;
  readonly port?: number;
  /** Decides about each call by its name in the table of methods; it may change the header. Nothing = passes untouched. */
  treat?(method: string, header: CallHeader): Treatment | undefined;
  /** Closes each connection at once with this code and reason, as a relay does that admits no more from an address. */
  readonly closing?: { readonly code: number; readonly reason: string };
}

/** A hostile relay that listens. */
export interface HostileRelay extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly root: RootKey;
}

/** Starts one on a free loopback port. */
export async function hostileRelay(options: HostileRelayOptions): Promise<HostileRelay> {
  const behind = options.behind === undefined ? null : parseRelayAddress(options.behind);
  return await openHostileSockets({
    ...(options.root ? { root: options.root } : {}),
    ...(options.port === undefined ? {} : { port: options.port }),
    serve: (connection) => serveConnection(connection, behind, options),
  });
}

/** Largest frame that passes, in bytes. */
const LIMIT = 16 * 1024 * 1024;

async function serveConnection(
  connection: Connection,
  behind: RelayAddress | null,
  options: HostileRelayOptions,
): Promise<void> {
  if (options.closing) return connection.close(options.closing.code, options.closing.reason);
  // The proof of a device names the transport, so the way on must be the way it came.
  const transports = connection.transport === "websocket" ? ["websocket" as const] : ["quic" as const];
  const onward = behind && await dial({ address: behind, transports });
  if (onward) {
    void connection.closed.then(() => onward.close());
    void onward.closed.then(({ code, reason }) => connection.close(code, reason));
  }
  for await (const stream of connection.incoming) {
    serveStream(stream, onward, options).catch(() => stream.reset()); // the caller sees a call that broke off
  }
}

async function serveStream(stream: ByteStream, onward: Connection | null, options: HostileRelayOptions): Promise<void> {
  const frames = new FrameReader(() => stream.read());
  const bytes = await frames.next(LIMIT);
  if (bytes === null) return stream.reset();
  const header = fromBinary(CallHeaderSchema, bytes);
  const treatment = options.treat?.(methods.get(header.method)?.name ?? "", header);
  if (treatment && "answer" in treatment) {
    const call = new ScriptedCall(stream, header, frames);
    return await treatment.answer(call).catch((thrown) => {
      if (!(thrown instanceof QightError)) throw thrown;
      return call.fail(thrown);
    });
  }
  if (!onward) return await new ScriptedCall(stream, header, frames).fail(new QightError("unknown_method"));
  const passed = await onward.openStream();
  await passed.write(encodeFrames(toBinary(CallHeaderSchema, header)));
  const back = new FrameReader(() => passed.read());
  try {
    await Promise.all([
      forward(() => frames.next(LIMIT), passed, treatment?.request),
      forward(() => back.next(LIMIT), stream, treatment?.reply),
    ]);
  } catch (thrown) {
    passed.reset();
    throw thrown;
  }
}
