/**
 * A relay from start to stop: opens its folder, store and sockets, serves, drains, and leaves nothing behind.
 * @module
 */
import type { Listener } from "../net/connection.ts";
import { parseHostPort } from "../net/address.ts";
import { errorTable, QightError } from "../proto/errors.ts";
import { openAccountParts } from "./account_parts.ts";
import { type AdminServer, startAdmin } from "./admin.ts";
import { createAdmission } from "./admission.ts";
import { relayAddresses } from "./addresses.ts";
import { announceRelay } from "./announced_relay.ts";
import { type Audit, openAudit } from "./audit.ts";
import { Blocks } from "./blocks.ts";
import { openCertificate } from "./certificate.ts";
import type { RelayConfig } from "./config.ts";
import { serveListener } from "./connection.ts";
import { type DataFolder, openDataFolder, rootSigner } from "./data_folder.ts";
import { lastWriteMs } from "./data_folder/last_write.ts";
import { createDevicesSeen } from "./devices_seen.ts";
import { createExpiryClock } from "./expiry_clock.ts";
import { createHandlers } from "./handlers.ts";
import { keepHouse } from "./housekeeping.ts";
import { startHttp } from "./http.ts";
import { createLimits } from "./limits.ts";
import { openListeners } from "./listeners.ts";
import type { Log } from "./log.ts";
import { Mailboxes } from "./mailboxes.ts";
import { createMetrics } from "./metrics.ts";
import { createObserver } from "./middleware.ts";
import type { Peer } from "./peer.ts";
import { adminHandlers } from "./administration.ts";
import { Rendezvous } from "./rendezvous.ts";
import { ReceiptSigner } from "./services/receipts.ts";
import { openMemoryStore } from "./storage/memory.ts";
import { openSqliteStore } from "./storage/sqlite.ts";
import type { Store } from "./storage/store.ts";
import { makeToken, readTokensFile } from "./tokens.ts";
import { createTurnedAway } from "./turned_away.ts";

/** Room for everything around a message's content in its envelope: seal, keys, ids, signature. */
export const ENVELOPE_OVERHEAD = 4096;
/** Three round trips of a slow line. */
const FLUSH_MS = 300;

/** How to start a relay. */
export interface RelayOptions {
  readonly config: RelayConfig;
  readonly log: Log;
  readonly version: string;
  /** Revision of the source, for the metrics; absent when nobody knows. */
  readonly commit?: string;
  /** The relay's clock in milliseconds; handed in so that tests turn it. */
  readonly now?: () => number;
  /** For timeouts: milliseconds since some start, never leaps; a handed-in `now` serves as both unless this is given. */
  readonly monotonic?: () => number;
  /** Opens the store; the one that the configuration names unless another is handed in. */
  readonly openStore?: OpenStore;
  /** Reads the configuration anew when the operator asks for it (`qight relay reload`). */
  readonly readConfig?: () => Promise<RelayConfig>;
}

/** Opens the store of a relay whose data folder is locked; throws what `openSqliteStore` throws. */
export type OpenStore = (config: RelayConfig, folder: DataFolder, monotonic: () => number) => Promise<Store>;

/** A relay that runs. */
export interface RunningRelay extends AsyncDisposable {
  /** Addresses to share, one for each place it can be reached at. */
  readonly addresses: readonly string[];
  readonly root: Uint8Array;
  /** The first access token, made when token mode starts without any; shown once. */
  readonly firstToken: string | null;
  /** Port of the first listener, when the configuration asked for any free one (0). */
  readonly port: number;
  readonly httpPort: number | null;
  /** Takes what may change while running: limits, retention, lists, logs, certificate. Sessions live on. */
  reload(config: RelayConfig): Promise<void>;
  /** Refuses new work, finishes calls under way up to the drain timeout, then stops. */
  drain(): Promise<void>;
  /** Stops at once. */
  stop(): Promise<void>;
  /** Resolves when the relay has stopped; rejects with `store_damaged` when its storage failed. */
  readonly closed: Promise<void>;
}

/** Starts a relay; throws a typed reason when its configuration, folder or ports do not allow it. */
export async function startRelay(options: RelayOptions): Promise<RunningRelay> {
  const { now = Date.now, openStore = openConfiguredStore } = options;
  const monotonic = options.monotonic ?? options.now ?? (() => performance.now());
  const cleanup = new AsyncDisposableStack();
  try {
    const folder = await openDataFolder(options.config.dataDir, { database: options.config.storage.path });
    cleanup.defer(() => folder.release());
    const lastAtWorkMs = await lastWriteMs(folder.dbPath(options.config.storage.path));
    const store = await openStore(options.config, folder, monotonic);
    cleanup.use(store);
    const audit = await openAudit(folder.auditPath);
    cleanup.use(audit);
    return await run({ ...options, now, monotonic, lastAtWorkMs }, folder, store, audit, cleanup.move());
  } catch (thrown) {
    await cleanup.disposeAsync();
    throw thrown;
  }
}

async function run(
  { config: initial, log, version, commit, now, monotonic, lastAtWorkMs, readConfig }:
    & Required<Omit<RelayOptions, "openStore" | "readConfig" | "commit">>
    & Pick<RelayOptions, "readConfig" | "commit">
    & { readonly lastAtWorkMs: number | null },
  folder: DataFolder,
  store: Store,
  audit: Audit,
  cleanup: AsyncDisposableStack,
): Promise<RunningRelay> {
  let config = initial;
  let draining = false;
  let fileTokens = await readTokensFile(config.auth.tokensFile);
  let certificate = await openCertificate(config, folder, now());
  const peers = new Set<Peer>();
  const mailboxes = new Mailboxes();
  const limits = createLimits({ limits: config.limits, now: monotonic });
  const metrics = createMetrics({ version, commit });
  const turnedAway = createTurnedAway(log, now);
  const retention = () => ({
    defaultTtlMs: config.storage.defaultTtlMs,
    maxTtlMs: config.storage.maxTtlMs,
    maxEnvelope: config.storage.maxMessage + ENVELOPE_OVERHEAD,
  });
  const accountMode = () => config.auth.mode === "account";
  const parts = { store, root: folder.rootKey, enabled: accountMode, now, monotonic };
  const { sessions, closures, signingIn } = await openAccountParts(parts);
  const admission = createAdmission({
    auth: () => config.auth,
    store,
    sessions,
    closures,
    now,
    fileTokens: () => fileTokens,
  });
  const firstToken = await makeFirstToken(config, store, fileTokens, now);

  const expiryNow = createExpiryClock({
    now,
    monotonic,
    lastAtWorkMs,
    onLeap: (ms) =>
      log.warn("the clock is ahead; nothing expires by it for an hour", { ahead_s: Math.round(ms / 1000) }),
  });
  const receipts = new ReceiptSigner(rootSigner(folder.rootKey));
  const blocks = await Blocks.load(store, monotonic);
  const isDraining = () => draining;

  const handlers = createHandlers({
    session: {
      now,
      admission,
      refused(code, ip) {
        audit.record("session.refused", { code });
        turnedAway(ip, code);
      },
      seen: createDevicesSeen({ store, log, now }),
      facts: () => ({
        root: folder.rootKey.publicKey,
        version,
        durable: store.durable,
        transports: listeners.transports,
        dialled: (name) => wasDialled(name, folder.rootKey.publicKey, config, certificate.names),
        maxMessage: config.storage.maxMessage,
        authMode: config.auth.mode,
        ...retention(),
      }),
    },
    directory: { store, now },
    acceptance: { store, blocks, mailboxes, limits, metrics, retention, receipts, draining: isDraining, now },
    reading: { store, mailboxes, metrics, now: expiryNow },
    invites: { store, limits, metrics, retention, draining: () => draining, now },
    groups: { store, mailboxes, limits, metrics, retention, draining: () => draining, now },
    accounts: {
      ...{ store, sessions, closures, limits, metrics, peers, mailboxes, blocks },
      ...{ ...signingIn, retention, turnedAway, draining: isDraining, now },
    },
    rendezvous: { rendezvous: new Rendezvous(monotonic), limits, metrics, draining: isDraining, now },
    recovery: {
      ...{ store, admission, sessions, accountMode, limits, metrics, peers, mailboxes, blocks },
      ...{ retention, audit, draining: isDraining, now, passwords: signingIn },
    },
    moderation: { store, blocks, limits, metrics, audit, draining: isDraining, now },
  });
  const room = {
    dispatcher: {
      handlers,
      observer: createObserver(metrics, log, monotonic),
      requestTimeoutMs: () => config.limits.requestTimeoutMs || Infinity,
      maxMls: () => config.storage.maxMls,
      now: monotonic,
    },
    mailboxes,
    limits,
    metrics,
    peers,
    streamsPerConnection: () => config.limits.streamsPerConnection,
    turnedAway,
    now,
  };

  const listeners = await openListeners(config, certificate.leaf, (result, from) => {
    metrics.handshake(result);
    if (result === "timeout" && from) turnedAway(from.hostname, "handshake_timeout");
  });
  cleanup.defer(() => listeners.close());
  const serving = listeners.all.map((listener: Listener) => serveListener(listener, room));

  cleanup.use(
    keepHouse({ peers, store, mailboxes, metrics, log, monotonic, expiryNow, renewCertificate, renewSessions }),
  );

  async function renewCertificate(): Promise<void> {
    const next = await openCertificate(config, folder, now());
    if (next.leaf.cert === certificate.leaf.cert) return;
    certificate = next;
    for (const listener of listeners.all) listener.renew(next.leaf);
    log.info("certificate renewed", { expires: new Date(next.expiresAtMs).toISOString() });
  }

  async function renewSessions(): Promise<void> {
    await sessions.renew(peers);
  }

  let stopped: Promise<void> | null = null;
  let settleClosed: { resolve: () => void; reject: (error: unknown) => void };
  const closed = new Promise<void>((resolve, reject) => settleClosed = { resolve, reject });
  // Whoever started the relay awaits `closed`; until then a failed store must not be an unhandled rejection.
  closed.catch(() => {});

  async function stop(error?: unknown): Promise<void> {
    stopped ??= (async () => {
      draining = true;
      for (const listener of listeners.all) listener.stop();
      for (const peer of peers) peer.connection.close(errorTable.draining.number, "the relay stops");
      // Peers hear of it only when the socket outlives the close (docs/proof.md: else they wait for seconds).
      await Promise.all([...peers].map((peer) => peer.connection.closed));
      // A disk that fails while the store closes is the relay's end too; without this the process would stay for ever.
      const failure = await cleanup.disposeAsync().then(() => error, (thrown) => error ?? thrown);
      await Promise.allSettled(serving);
      if (failure) settleClosed.reject(failure);
      else settleClosed.resolve();
    })();
    await stopped;
  }

  store.failed.catch(async (error) => {
    log.error("the store failed; the relay stops without another acknowledgement", { error: String(error) });
    await stop(error);
  });

  async function drain(): Promise<void> {
    if (draining) return await stop();
    draining = true;
    log.info("draining", { connections: peers.size });
    // Nobody new should find it; `stop` waits for the end of this.
    void announcement?.stop();
    for (const listener of listeners.all) listener.stop();
    const deadline = performance.now() + config.limits.drainTimeoutMs;
    const busy = () => [...peers].some((peer) => [...peer.calls].some((call) => call.busy));
    // Calls that wait by design end now; sends under way get their answer first.
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    while (busy() && performance.now() < deadline && !stopped) await pause(10);
    // The transport has the last answers, their readers not yet: QUIC's close throws away what is on its way
    // (RFC 9000 §10.2: an endpoint that closes sends no more stream data).
    if (peers.size > 0 && !stopped) await pause(FLUSH_MS);
    await stop();
  }

  async function reload(next: RelayConfig): Promise<void> {
    fileTokens = await readTokensFile(next.auth.tokensFile);
    const { listen, dataDir, websocket, mdns } = config;
    config = { ...next, listen, dataDir, websocket, mdns };
    limits.update(config.limits);
    Object.assign(store.limits, storeLimits(config));
    log.reconfigure(config.log);
    await renewCertificate();
    audit.record("reload", {});
    log.info("configuration reloaded", {});
  }

  const http = await startHttp({
    listen: config.http.listen,
    health: () => ({ ready: !draining && !stopped, durable: store.durable }),
    metrics: async () =>
      metrics.render({ store: await store.stats(), certificateExpiresAtMs: certificate.expiresAtMs }),
  });
  cleanup.defer(() => http.close());
  const addresses = relayAddresses(config, certificate.ownRoot ? folder.rootKey.publicKey : undefined, listeners.port);
  const announcement = announceRelay(
    { config, root: folder.rootKey.publicKey, ownRoot: certificate.ownRoot, port: listeners.port },
    log,
  );
  if (announcement) cleanup.use(announcement);
  const admin: AdminServer = await startAdmin({
    socketPath: folder.adminSocketPath,
    handlers: adminHandlers({
      store,
      closures,
      peers,
      mailboxes,
      audit,
      now,
      version,
      folder,
      addresses,
      config: () => config,
      draining: () => draining,
      drain,
      ...(readConfig === undefined ? {} : { reload: async () => await reload(await readConfig()) }),
      startedAtMs: now(),
      certificateExpiresAtMs: () => certificate.expiresAtMs,
    }),
  });
  cleanup.defer(() => admin.close());

  log.info("relay started", { version, durable: store.durable, auth: config.auth.mode });
  return {
    addresses,
    root: folder.rootKey.publicKey,
    firstToken,
    port: listeners.port,
    httpPort: http.port,
    reload,
    drain,
    stop: () => stop(),
    closed,
    [Symbol.asyncDispose]: () => stop(),
  };
}

/** SQLite in the data folder, or memory, as `storage.backend` says. */
export async function openConfiguredStore(
  config: RelayConfig,
  folder: DataFolder,
  monotonic: () => number,
): Promise<Store> {
  const limits = storeLimits(config);
  if (config.storage.backend === "memory") return openMemoryStore({ limits });
  return await openSqliteStore({ path: folder.dbPath(config.storage.path), limits, now: monotonic });
}

function storeLimits({ storage }: RelayConfig) {
  return { maxQueue: storage.maxQueue, maxQueueBytes: storage.maxQueueBytes, maxTotal: storage.maxTotal };
}

/** What a client may have dialled: our ROOT, `advertise`, or a name of our certificate (docs/protocol.md, Session proof). */
function wasDialled(name: string, root: Uint8Array, config: RelayConfig, names: readonly string[]): boolean {
  if (name === root.toBase64({ alphabet: "base64url", omitPadding: true })) return true;
  if (name === config.advertise && name !== "") return true;
  try {
    return names.includes(parseHostPort(name).host);
  } catch (thrown) {
    if (thrown instanceof QightError) return false;
    throw thrown;
  }
}

async function makeFirstToken(
  config: RelayConfig,
  store: Store,
  fileTokens: readonly Uint8Array[],
  now: () => number,
): Promise<string | null> {
  if (config.auth.mode !== "token" || fileTokens.length > 0 || (await store.tokens()).length > 0) return null;
  const { token, hash, id } = await makeToken();
  await store.putToken({ id, name: "first", hash, createdAtMs: now(), expiresAtMs: null });
  return token;
}
