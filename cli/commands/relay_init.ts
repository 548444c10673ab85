/** `qight relay init`: relay.toml, root key and certificate before the first start. @module */
import { join } from "node:path";
import { QightError } from "../../proto/errors.ts";
import { relayAddresses } from "../../relay/addresses.ts";
import { openCertificate } from "../../relay/certificate.ts";
import { readRelayConfig, sampleToml } from "../../relay/config.ts";
import { parseHostPort } from "../../net/address.ts";
import { formatHostPort } from "../../net/address.ts";
import { openDataFolder } from "../../relay/data_folder.ts";
import { exists, makePrivateFolder, writePrivateFile } from "../paths.ts";
import { qrCode } from "../qr_code.ts";
import { loadRelayConfig } from "../relay_toml.ts";
import type { relayInitSpec } from "../tree/relay.ts";
import type { Call } from "../tree/spec.ts";

/** Writes what a relay needs and prints the address to share; an existing relay.toml stays without `--force`. */
export async function run({ options, settings, out }: Call<typeof relayInitSpec>): Promise<void> {
  const { config: before } = await loadRelayConfig({ ...settings, configGiven: false });
  const tomlPath = settings.configGiven ? settings.configPath : join(before.dataDir, "relay.toml");
  if (!options.force && await exists(tomlPath)) {
    throw new QightError("would_overwrite", `${tomlPath} exists and is not overwritten`);
  }
  const tomlText = withValues(sampleToml(), {
    ...(options.name === undefined ? {} : { advertise: advertised(options.name), listen: ["[::]:4433"] }),
    // A relay that the world can reach starts in token mode; open needs a word of its own.
    ...(options.name === undefined ? {} : { mode: "token" }),
  });
  const { config } = readRelayConfig({
    env: Deno.env.toObject(),
    flags: { data_dir: before.dataDir },
    tomlText,
    tomlPath,
  });
  await makePrivateFolder(before.dataDir);
  await using folder = await openDataFolder(before.dataDir);
  await openCertificate(config, folder, Date.now());
  await writePrivateFile(tomlPath, tomlText, { overwrite: options.force ?? false });
  const addresses = relayAddresses(config, folder.rootKey.publicKey, 0);
  if (out.json) return await out.object({ address: addresses[0], addresses, config: tomlPath });
  for (const address of addresses) await out.line(`address  ${address}          (share this line)`);
  if (options.qr) await out.line(await qrCode(addresses[0]));
  out.note(
    `wrote ${tomlPath}; start it with: qight relay${settings.dataDirGiven ? ` --data-dir ${before.dataDir}` : ""}`,
  );
}

function advertised(name: string): string {
  const { host, port } = parseHostPort(name);
  return formatHostPort(host, port);
}

/** Sets top-level and section keys of the sample, whose every key stands on a line of its own. */
function withValues(sample: string, values: Record<string, unknown>): string {
  let text = sample;
  for (const [key, value] of Object.entries(values)) {
    text = text.replace(new RegExp(`^${key} = [^#\\n]*`, "m"), `${key} = ${JSON.stringify(value)} `);
  }
  return text;
}
