/**
 * One connected peer: its connection, what it has proven, and the calls it has under way.
 * @module
 */
import type { Connection } from "../net/connection.ts";
import { QightError } from "../proto/errors.ts";

/** What HELLO established. A session without a device may only look around. */
export interface Session {
  /** 16 random bytes as hex, for logs. */
  readonly id: string;
  /** The proven Ed25519 device key, or null. */
  readonly device: Uint8Array | null;
  /** The device key as a map key; empty without a device. */
  readonly mailbox: string;
  /** Why the relay does not admit this session (token, allow list, not listed any more), or null when it does. */
  readonly refusal: QightError | null;
  /** SHA-256 of the session token that it came with, or was given; absent without one. */
  readonly signedIn?: Uint8Array;
}

/** A call under way, as the deadline sweep sees it. */
export interface RunningCall {
  readonly deadlineMs: number;
  /** Somebody waits for an answer that is on its way; false for calls that wait by design. */
  readonly busy: boolean;
  abandon(error: QightError): void;
  /** Ends it if it waits; the caller hears why. */
  end(error: QightError): void;
}

/** A connection with its session and its running calls. */
export class Peer {
  readonly connection: Connection;
  readonly connectedAtMs: number;
  readonly calls: Set<RunningCall> = new Set();
  session: Session | null = null;
  /** Devices (as mailboxes) whose HELLO is under way: they are proven, and may not be admitted yet. */
  readonly proving: Set<string> = new Set();
  /** Bytes of requests that were read and are not answered yet. */
  bytesInFlight = 0;

  constructor(connection: Connection, connectedAtMs: number) {
    this.connection = connection;
    this.connectedAtMs = connectedAtMs;
  }

  /** The proven device; throws `no_session` when there is none. */
  get device(): Uint8Array {
    if (!this.session?.device) throw new QightError("no_session");
    return this.session.device;
  }

  /** The own mailbox as a map key; throws `no_session` when no device was proven. */
  get mailbox(): string {
    if (!this.session?.device) throw new QightError("no_session");
    return this.session.mailbox;
  }
}
