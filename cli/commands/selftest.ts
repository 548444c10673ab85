/** `qight selftest`: whether this file works on this machine, without a relay, a key or a network. @module */
import { QightError } from "../../proto/errors.ts";
import { type Check, examine } from "../doctor/check.ts";
import { reportChecks } from "../doctor/report.ts";
import { checkGroup } from "../selftest/group.ts";
import { checkNames, checkRestart } from "../selftest/machine.ts";
import { checkRoundTrips } from "../selftest/round_trip.ts";
import { checkSealing } from "../selftest/sealing.ts";
import { checkEncryptedStore, checkWorker } from "../selftest/storage.ts";
import type { Settings } from "../settings.ts";
import type { Call } from "../tree/spec.ts";

/** Prints a line for each part; ends with 70 naming the first that does not work. */
export async function run({ settings, out, signal }: Call): Promise<void> {
  const failures = await reportChecks(examineAll(settings), { out, signal });
  if (failures.length === 0) return;
  const names = failures.map(({ name }) => name).join(", ");
  throw new QightError("invariant", `This build does not work here: ${names}: ${failures[0].message}`, {
    hint: "Report this with the lines above and the output of: qight version --json",
  });
}

async function* examineAll(settings: Settings): AsyncGenerator<Check> {
  const folder = await temporaryFolder();
  try {
    yield await examine("sqlite", () => checkEncryptedStore(folder));
    yield await examine("worker", () => checkWorker(folder));
    yield* await roundTrips(folder, settings);
    yield await examine("seal", () => checkSealing());
    yield await examine("group", () => checkGroup(Date.now()));
    yield await examine("localhost", () => checkNames());
    yield await examine("restart", () => checkRestart());
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A relay that does not start fails both ways. */
async function roundTrips(folder: string, settings: Settings): Promise<Check[]> {
  try {
    return await checkRoundTrips(folder, settings);
  } catch (thrown) {
    return await Promise.all(["quic", "websocket"].map((name) => examine(name, () => Promise.reject(thrown))));
  }
}

async function temporaryFolder(): Promise<string> {
  try {
    return await Deno.makeTempDir({ prefix: "qight-selftest-" });
  } catch (thrown) {
    throw new QightError("cannot_create", `No temporary folder can be made: ${(thrown as Error).message}`, {
      cause: thrown,
      hint: "Set TMPDIR to a folder that can be written.",
    });
  }
}
