/** `qight relay`: runs a relay until a signal ends it. @module */
import { errorTable, QightError } from "../../proto/errors.ts";
import { checkOpenToTheWorld } from "../../relay/config.ts";
import { publicAddresses } from "../../relay/config/exposure.ts";
import { createLog } from "../../relay/log.ts";
import { type RunningRelay, startRelay } from "../../relay/relay.ts";
import type { Output } from "../output.ts";
import { loadRelayConfig } from "../relay_toml.ts";
import type { relaySpec } from "../tree/relay.ts";
import type { Call } from "../tree/spec.ts";
import { VERSION } from "../version.ts";

/** Starts the relay, prints its address and stays. Exit 0 after SIGTERM, 130 after SIGINT, 74 when its disk failed. */
export async function run({ options, settings, out }: Call<typeof relaySpec>): Promise<void> {
  const { config } = await loadRelayConfig(settings, options.listen);
  checkOpenToTheWorld(config, options.allowOpen ?? false);
  const log = createLog(config.log);
  // LIBRARIES.md, Deno QUIC: a peer that vanishes may reject a promise that nobody holds; the mail must go on.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled rejection", { error: String(event.reason) });
  });
  const relay = await startRelay({ config, log, version: VERSION });
  using _signals = answerSignals(relay, async () => {
    try {
      await relay.reload((await loadRelayConfig(settings, options.listen)).config);
    } catch (error) {
      log.error("the configuration was not reloaded", { error: (error as Error).message });
    }
  });
  await printAddresses(relay, out);
  if (config.auth.mode === "open" && publicAddresses(config).length > 0) {
    out.error("warning: this relay is open: everybody who can reach it can use it (auth.mode)");
  }
  await warnOfSmallBuffers(out);
  await relay.closed;
  if (interrupted) throw new QightError("interrupted", "Interrupted", { hint: "" });
}

let interrupted = false;

async function printAddresses(relay: RunningRelay, out: Output): Promise<void> {
  const [address] = relay.addresses;
  if (out.json) {
    const token = relay.firstToken === null ? {} : { token: relay.firstToken };
    return await out.object({ address, addresses: relay.addresses, ...token });
  }
  for (const each of relay.addresses) await out.line(`address  ${each}          (share this line)`);
  if (relay.firstToken !== null) await out.line(`token    ${relay.firstToken}          (shown once; for --token-file)`);
}

/** SIGTERM and the first SIGINT drain, a second SIGINT quits at once, SIGHUP reads the configuration again. */
function answerSignals(relay: RunningRelay, reload: () => Promise<void>): Disposable {
  const onTerminate = () => void relay.drain();
  const onInterrupt = () => {
    if (interrupted) Deno.exit(errorTable.interrupted.exit);
    interrupted = true;
    void relay.drain();
  };
  const onHangUp = () => void reload();
  const rows: [Deno.Signal, () => void][] = Deno.build.os === "windows"
    ? [["SIGINT", onInterrupt]]
    : [["SIGTERM", onTerminate], ["SIGINT", onInterrupt], ["SIGHUP", onHangUp]];
  for (const [signal, handler] of rows) Deno.addSignalListener(signal, handler);
  return {
    [Symbol.dispose]() {
      for (const [signal, handler] of rows) Deno.removeSignalListener(signal, handler);
    },
  };
}

const WANTED_BUFFER = 7_500_000;

/** quic-go's "UDP Buffer Sizes" page: below 7.5 MB bursts are dropped by the kernel. */
async function warnOfSmallBuffers(out: Output): Promise<void> {
  if (Deno.build.os !== "linux") return;
  let most: number;
  try {
    most = Number(await Deno.readTextFile("/proc/sys/net/core/rmem_max"));
  } catch (error) {
    out.detail(`UDP receive buffer not checked: ${(error as Error).message}`);
    return;
  }
  if (most >= WANTED_BUFFER) return;
  out.note(
    `warning: the UDP receive buffer is at most ${most} bytes; for heavy traffic: sysctl -w net.core.rmem_max=${WANTED_BUFFER}`,
  );
}
