/**
 * The one table of every call, made from the service descriptors: client calls, relay dispatch, metrics labels,
 * authorization and the generated protocol page all read it.
 * @module
 */
import { type DescMethod, type DescService, getOption } from "@bufbuild/protobuf";
import { BlobService } from "./gen/qight/v1/blob_pb.ts";
import { DeliveryService } from "./gen/qight/v1/delivery_pb.ts";
import { DirectoryService } from "./gen/qight/v1/directory_pb.ts";
import { GroupService } from "./gen/qight/v1/group_pb.ts";
import { AccountService } from "./gen/qight/v1/login_pb.ts";
import { InviteService } from "./gen/qight/v1/invite_pb.ts";
import { KeyPackageService } from "./gen/qight/v1/key_package_pb.ts";
import { call, type Caller } from "./gen/qight/v1/options_pb.ts";
import { ModerationService } from "./gen/qight/v1/moderation_pb.ts";
import { RecoveryService } from "./gen/qight/v1/recovery_pb.ts";
import { RendezvousService } from "./gen/qight/v1/rendezvous_pb.ts";
import { SessionService } from "./gen/qight/v1/session_pb.ts";

/** One call as all parts see it. */
export interface Method {
  /** Name in metrics and logs, for example `Send`. */
  readonly name: string;
  /** Service it belongs to, for example `DeliveryService`. */
  readonly service: string;
  /** Number on the wire. */
  readonly number: number;
  readonly descriptor: DescMethod;
  readonly streaming: { readonly request: boolean; readonly response: boolean };
  /** Largest request message in bytes; 0 means an envelope of the relay's largest size, or with `mls` an MLS object's. */
  readonly maxRequest: number;
  /** The request carries MLS objects. */
  readonly mls: boolean;
  readonly caller: Caller;
  /** Exempt from the request timeout. */
  readonly waits: boolean;
}

/** Services in the order of the protocol page. */
export const services: readonly DescService[] = [
  SessionService,
  DirectoryService,
  DeliveryService,
  InviteService,
  KeyPackageService,
  GroupService,
  BlobService,
  RendezvousService,
  AccountService,
  RecoveryService,
  ModerationService,
];

/** Every call by its number. */
export const methods: ReadonlyMap<number, Method> = new Map(
  services.flatMap((service) => service.methods.map((method) => tableRow(service, method)))
    .map((row) => [row.number, row]),
);

const byDescriptor = new Map([...methods.values()].map((row) => [row.descriptor, row]));

/** The table's row of a method descriptor such as `DeliveryService.method.send`. */
export function methodOf(descriptor: DescMethod): Method {
  const row = byDescriptor.get(descriptor);
  if (!row) throw new TypeError(`${descriptor.name} is not in the table of methods`);
  return row;
}

function tableRow(service: DescService, descriptor: DescMethod): Method {
  const options = getOption(descriptor, call);
  if (options.number === 0) throw new TypeError(`${service.name}.${descriptor.name} has no number`);
  const kind = descriptor.methodKind;
  return {
    name: descriptor.name,
    service: service.name,
    number: options.number,
    descriptor,
    streaming: {
      request: kind === "client_streaming" || kind === "bidi_streaming",
      response: kind === "server_streaming" || kind === "bidi_streaming",
    },
    maxRequest: options.maxRequest,
    mls: options.mls,
    caller: options.caller,
    waits: options.waits,
  };
}
