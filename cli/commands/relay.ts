/** `qight relay`: runs a relay until a signal ends it. @module */
import { errorTable, QightError } from "../../proto/errors.ts";
import { checkOpenToTheWorld } from "../../relay/config.ts";
import { publicAddresses } from "../../relay/config/exposure.ts";
import { createLog, type Log } from "../../relay/log.ts";
import { type RunningRelay, startRelay } from "../../relay/relay.ts";
import { releaseStartupMemory } from "../../relay/startup_memory.ts";
import { answerWatchdog, notifySystemd, type ServiceState } from "../../relay/systemd.ts";
import { warnOfSmallReceiveBuffer } from "../../relay/udp_buffer.ts";
import { buildInfo } from "../build_info.ts";
import type { Output } from "../output.ts";
import { loadRelayConfig } from "../relay_toml.ts";
import type { relaySpec } from "../tree/relay.ts";
import type { Call } from "../tree/spec.ts";
import { VERSION } from "../version.ts";

/** Starts the relay, prints its address and data folder, and stays. Exit 0 after SIGTERM, 130 after SIGINT, 74 when its disk failed. */
export async function run({ options, settings, out }: Call<typeof relaySpec>): Promise<void> {
  const { config } = await loadRelayConfig(settings, options);
  checkOpenToTheWorld(config, options.allowOpen ?? false);
  const log = createLog(config.log);
  // docs/decisions/0001-deno-quic.md: a peer that vanishes may reject a promise that nobody holds; the mail must go on.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled rejection", { error: String(event.reason) });
  });
  // Ended by Deno itself, the database thread would close its file on the way out, and SQLite would remove the log that
  // the next start looks for (relay/storage/log_check.ts); Deno.exit leaves both as the last commit did.
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    log.error("unforeseen error, the relay ends", { error: String(event.error) });
    Deno.exit(errorTable.internal.exit);
  });
  const readConfig = async () => (await loadRelayConfig(settings, options)).config;
  const relay = await startRelay({ config, log, version: VERSION, commit: buildInfo?.commit ?? undefined, readConfig });
  using _signals = answerSignals(relay, log, async () => {
    try {
      await relay.reload(await readConfig());
    } catch (error) {
      log.error("the configuration was not reloaded", { error: (error as Error).message });
    }
  });
  await printStart(relay, config.dataDir, out);
  if (publicAddresses(config).length > 0) {
    if (config.auth.mode === "open") {
      out.error("warning: this relay is open: everybody who can reach it can use it (auth.mode)");
    }
    const { port } = relay;
    out.note(`open port ${port} for UDP and for TCP (in a container: -p ${port}:${port}/udp -p ${port}:${port}/tcp)`);
    // On loopback alone there are no bursts that the kernel's usual buffer could not hold.
    warnOfSmallReceiveBuffer(log);
  }
  await tellSystemd("READY=1", log);
  using _watchdog = answerWatchdog({
    trouble: (error) => log.warn("systemd was not told", { state: "WATCHDOG=1", error: error.message }),
  });
  releaseStartupMemory();
  await relay.closed;
  if (interrupted) throw new QightError("interrupted", "Interrupted", { hint: "" });
}

/** Set by the first SIGINT, so that the second quits and the exit code says so. */
let interrupted = false;

async function tellSystemd(state: ServiceState, log: Log): Promise<void> {
  const told = await notifySystemd(state);
  if (told instanceof Error) log.warn("systemd was not told", { state, error: told.message });
}

async function printStart(relay: RunningRelay, dataDir: string, out: Output): Promise<void> {
  const { addresses, firstToken } = relay;
  if (out.json) {
    const token = firstToken === null ? {} : { token: firstToken };
    return await out.object({ address: addresses[0], addresses, ...token, data_dir: dataDir });
  }
  const lines = addresses.map((address) => `address  ${address}          (share this line)`);
  if (firstToken !== null) lines.push(`token    ${firstToken}          (shown once; for --token-file)`);
  lines.push(`data     ${dataDir}          (its data; keep it private)`);
  // One write: a reader that leaves after the first line must not end the relay.
  await out.line(lines.join("\n"));
}

/**
 * SIGTERM and the first SIGINT drain, a second SIGINT quits at once, SIGHUP reads the configuration again. Windows has
 * neither SIGTERM nor SIGHUP: a service that is stopped gets SIGBREAK, and `qight relay reload` reads again.
 */
function answerSignals(relay: RunningRelay, log: Log, reload: () => Promise<void>): Disposable {
  const drain = () => {
    void tellSystemd("STOPPING=1", log);
    // Its outcome is that of relay.closed, which the command waits for.
    relay.drain().catch((error) => log.error("draining failed", { error: String(error) }));
  };
  const onTerminate = () => drain();
  const onInterrupt = () => {
    if (interrupted) Deno.exit(errorTable.interrupted.exit);
    interrupted = true;
    drain();
  };
  const onHangUp = () => void reload();
  const rows: [Deno.Signal, () => void][] = Deno.build.os === "windows"
    ? [["SIGINT", onInterrupt], ["SIGBREAK", onTerminate]]
    : [["SIGTERM", onTerminate], ["SIGINT", onInterrupt], ["SIGHUP", onHangUp]];
  for (const [signal, handler] of rows) Deno.addSignalListener(signal, handler);
  return {
    [Symbol.dispose]() {
      for (const [signal, handler] of rows) Deno.removeSignalListener(signal, handler);
    },
  };
}
