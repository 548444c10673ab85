/**
 * A real relay for tests: real sockets on free loopback ports, a folder of its own, a clock that tests may turn.
 * @module
 */
import { RelayClient } from "../../client/relay_client.ts";
import { defaultRelayConfig, type RelayConfig } from "../../relay/config.ts";
import type { Log } from "../../relay/log.ts";
import { type OpenStore, type RunningRelay, startRelay } from "../../relay/relay.ts";
import type { Person } from "./people.ts";

/** A log that keeps its lines for the test to read. */
export function silentLog(lines: string[] = []): Log {
  const write = (level: string) => (event: string, fields?: unknown) => {
    lines.push(`${level} ${event} ${JSON.stringify(fields ?? {})}`);
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error"), reconfigure() {} };
}

/** What a test may change about its relay. */
export interface TestRelayOptions {
  storage?: Partial<RelayConfig["storage"]>;
  limits?: Partial<RelayConfig["limits"]>;
  auth?: Partial<RelayConfig["auth"]>;
  dataDir?: string;
  now?: () => number;
  /** A clock for timeouts that does not follow `now`. */
  monotonic?: () => number;
  log?: Log;
  openStore?: OpenStore;
}

/** A running relay and what is around it; disposing stops it and removes the folder it made. */
export interface TestRelay extends AsyncDisposable {
  readonly relay: RunningRelay;
  readonly config: RelayConfig;
  readonly address: string;
  /** Connects as this person (or as nobody). */
  connect(who?: Person, options?: { token?: string; bundle?: Uint8Array }): Promise<RelayClient>;
  /** Connects and publishes the person's bundle, so that they have a mailbox. */
  join(who: Person): Promise<RelayClient>;
}

/** Starts a relay on free loopback ports. */
export async function testRelay(options: TestRelayOptions = {}): Promise<TestRelay> {
  const dataDir = options.dataDir ?? await Deno.makeTempDir({ prefix: "qight-relay-" });
  const defaults = defaultRelayConfig(dataDir);
  const config: RelayConfig = {
    ...defaults,
    listen: ["127.0.0.1:0"],
    http: { listen: "" },
    storage: { ...defaults.storage, ...options.storage },
    limits: { ...defaults.limits, ...options.limits },
    auth: { ...defaults.auth, ...options.auth },
  };
  const relay = await startRelay({
    config,
    log: options.log ?? silentLog(),
    version: "test",
    now: options.now ?? Date.now,
    ...(options.monotonic ? { monotonic: options.monotonic } : {}),
    ...(options.openStore ? { openStore: options.openStore } : {}),
  });
  const address = relay.addresses[0];
  const connect: TestRelay["connect"] = (who, more = {}) =>
    RelayClient.connect(address, { ...(who ? { signer: who.device } : {}), ...more });
  return {
    relay,
    config,
    address,
    connect,
    async join(who) {
      const client = await connect(who);
      await client.publishBundle(who.bundle.bytes, 0);
      return client;
    },
    async [Symbol.asyncDispose]() {
      await relay.stop();
      if (options.dataDir === undefined) await Deno.remove(dataDir, { recursive: true });
    },
  };
}
