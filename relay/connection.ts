/**
 * Serves the connections of one listener: admits them, runs their calls, and cleans up after them.
 * @module
 */
import type { ByteStream, Connection, Listener } from "../net/connection.ts";
import { errorTable, QightError } from "../proto/errors.ts";
import { type Dispatcher, serveCall } from "./dispatch.ts";
import type { Limits } from "./limits.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { Metrics } from "./metrics.ts";
import { Peer } from "./peer.ts";
import type { TurnedAway } from "./turned_away.ts";

/** What serving connections needs of the relay. */
export interface ConnectionRoom {
  readonly dispatcher: Dispatcher;
  readonly mailboxes: Mailboxes;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly peers: Set<Peer>;
  readonly streamsPerConnection: () => number; // 0 = off
  readonly turnedAway: TurnedAway;
  readonly now: () => number;
}

/** Serves every connection that this listener brings, until it stops. */
export async function serveListener(listener: Listener, room: ConnectionRoom): Promise<void> {
  for await (const connection of listener.connections) {
    const ip = connection.peer.hostname;
    if (!room.limits.admitConnection(ip)) {
      room.metrics.rateLimited("connections");
      room.turnedAway(ip, "too_many_connections");
      connection.close(errorTable.busy.number, "too many connections from this address");
      continue;
    }
    const peer = new Peer(connection, room.now());
    room.peers.add(peer);
    room.metrics.connections(1);
    void connection.closed.then(() => {
      room.peers.delete(peer);
      room.metrics.connections(-1);
      room.limits.releaseConnection(ip);
      for (const call of peer.calls) call.abandon(new QightError("unreachable", "The connection is over"));
      peer.calls.clear();
      room.mailboxes.release(peer);
    });
    void serveStreams(connection, peer, room);
  }
}

/** Runs a connection's calls side by side; one stream more than allowed is reset, the others live on. */
async function serveStreams(connection: Connection, peer: Peer, room: ConnectionRoom): Promise<void> {
  let open = 0;
  const serve = async (stream: ByteStream) => {
    open++;
    try {
      await serveCall(stream, peer, room.dispatcher);
    } finally {
      open--;
    }
  };
  for await (const stream of connection.incoming) {
    const limit = room.streamsPerConnection();
    if (limit > 0 && open >= limit) {
      room.metrics.rateLimited("streams");
      stream.reset(errorTable.busy.number);
      continue;
    }
    void serve(stream);
  }
}
