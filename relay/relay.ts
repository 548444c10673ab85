/**
 * A relay from start to stop: opens its folder, store and sockets, serves, drains, and leaves nothing behind.
 * @module
 */
import type { Listener } from "../net/connection.ts";
import { openAccountParts } from "./account_parts.ts";
import { type AdminServer, startAdmin } from "./admin.ts";
import { createAdmission } from "./admission.ts";
import { answersTo, relayAddresses } from "./addresses.ts";
import { announceRelay } from "./announced_relay.ts";
import { type Audit, openAudit } from "./audit.ts";
import { Blocks } from "./blocks.ts";
import { openCertificate } from "./certificate.ts";
import type { RelayConfig } from "./config.ts";
import { serveListener } from "./connection.ts";
import { type DataFolder, openDataFolder, rootSigner } from "./data_folder.ts";
import { lastWriteMs } from "./data_folder/last_write.ts";
import { createDevicesSeen } from "./devices_seen.ts";
import { Ending } from "./ending.ts";
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
import { makeFirstToken, readTokensFile } from "./tokens.ts";
import { createTurnedAway } from "./turned_away.ts";

/** Room for everything around a message's content in its envelope: seal, keys, ids, signature. */
const ENVELOPE_OVERHEAD = 4096;

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
  const draining = () => ending.draining;

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
        dialled: (name) => answersTo(name, { root: folder.rootKey.publicKey, config, names: certificate.names }),
        maxMessage: config.storage.maxMessage,
        authMode: config.auth.mode,
        ...retention(),
      }),
    },
    directory: { store, now },
    acceptance: { store, blocks, mailboxes, limits, metrics, retention, receipts, draining, now },
    reading: { store, mailboxes, metrics, now: expiryNow },
    invites: { store, limits, metrics, retention, draining, now },
    groups: { store, mailboxes, limits, metrics, retention, draining, now },
    accounts: {
      ...{ store, sessions, closures, limits, metrics, peers, mailboxes, blocks },
      ...{ ...signingIn, retention, turnedAway, draining, now },
    },
    rendezvous: { rendezvous: new Rendezvous(monotonic), limits, metrics, draining, now },
    recovery: {
      ...{ store, admission, sessions, accountMode, limits, metrics, peers, mailboxes, blocks },
      ...{ retention, audit, draining, now, passwords: signingIn },
    },
    moderation: {
      ...{ store, blocks, limits, metrics, audit, draining, now },
      openReports: () => config.limits.openReportsPerAccount || Infinity,
    },
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

  const ending = new Ending({
    listeners: listeners.all,
    serving,
    peers,
    cleanup,
    log,
    drainTimeoutMs: () => config.limits.drainTimeoutMs,
    hide: () => void announcement?.stop(), // `stop` waits for the end of this
  });

  store.failed.catch(async (error) => {
    log.error("the store failed; the relay stops without another acknowledgement", { error: String(error) });
    await ending.stop(error);
  });

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

  const drain = () => ending.drain();
  const http = await startHttp({
    listen: config.http.listen,
    health: () => ({ ready: !ending.draining, durable: store.durable }),
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
      draining,
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
    stop: () => ending.stop(),
    closed: ending.closed,
    [Symbol.asyncDispose]: () => ending.stop(),
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
