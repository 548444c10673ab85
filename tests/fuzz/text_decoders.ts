/**
 * What people write or hand over as files and lines, and the frames of WebSocket: each with a valid sample to damage.
 * @module
 */
import { parseConfig } from "../../cli/config_file.ts";
import { formatRelayAddress, parseRelayAddress } from "../../net/address.ts";
import { decodeFrame, encodeFrame, encodeNumber, Flag } from "../../net/websocket_frame.ts";
import { readRelayConfig } from "../../relay/config.ts";
import { parseRootKey, rootKeyText } from "../../relay/data_folder/root_key.ts";
import { parseDuration } from "../../relay/config/durations.ts";
import { parseSize } from "../../relay/config/sizes.ts";
import { openBackupFile, writeBackupFile } from "../../relay/backup/backup_file.ts";
import type { Decoder } from "./fuzz.ts";
import { damage, damageText, someBytes } from "./seeded.ts";

const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
const address = formatRelayAddress({ root: seed, host: "relay.example", port: 4433 });
const configToml = `default_context = "home"
[output]
time = "utc"
[context.home]
relay = "${address}"
timeout = "10s"
`;
const relayToml = `listen = ["127.0.0.1:4433", "[::]:4433"]
advertise = "relay.example"
[storage]
default_ttl = "7d"
max_message = "256KiB"
[auth]
mode = "token"
[limits]
send_per_minute = 600
[log]
level = "info"
`;

/** A backup is read from a file: one without a name, opened here because a test must not leave a file open. */
const scratch = namelessFile();
const backup = await plainBackup();

/** Texts and files of people, and WebSocket frames. */
export const textDecoders: readonly Decoder[] = [
  {
    what: "WebSocket frames",
    codes: ["bad_frame"],
    decode(chance) {
      const id = 1 + 2 * chance(100);
      const frames = [
        encodeFrame(id, Flag.data, someBytes(chance, chance(40))),
        encodeFrame(id, Flag.open),
        encodeNumber(id, Flag.credit, chance(2 ** 32)),
      ];
      return decodeFrame(damage(frames[chance(frames.length)], chance));
    },
  },
  {
    what: "relay addresses",
    codes: ["bad_address"],
    decode: (chance) => parseRelayAddress(damageText(address, chance)),
  },
  {
    what: "root key files",
    codes: ["bad_key_file"],
    decode: (chance) => parseRootKey(damageText(rootKeyText(seed), chance), "root.key"),
  },
  {
    // Sealed ones begin with a vault (key files) and end at the first changed byte.
    what: "plain backups",
    codes: ["bad_backup", "passphrase_needed"],
    async decode(chance) {
      scratch.truncateSync();
      scratch.seekSync(0, Deno.SeekMode.Start);
      scratch.writeSync(damage(backup, chance));
      scratch.seekSync(0, Deno.SeekMode.Start);
      await (await openBackupFile(scratch, null)).read(() => Promise.resolve());
    },
  },
  {
    what: "relay.toml",
    codes: ["config"],
    decode: (chance) =>
      readRelayConfig({
        env: {},
        flags: { data_dir: "/tmp/none" },
        root: false,
        tomlText: damageText(relayToml, chance),
        tomlPath: "relay.toml",
      }),
  },
  { what: "config.toml", codes: ["config"], decode: (chance) => parseConfig(damageText(configToml, chance), "c.toml") },
  {
    what: "durations and sizes",
    codes: ["bad_duration", "config"],
    decode: (chance) =>
      chance(2) ? parseDuration(damageText("36h30m", chance)) : parseSize(damageText("256KiB", chance)),
  },
];

function namelessFile(): Deno.FsFile {
  const path = Deno.makeTempFileSync({ prefix: "qight-fuzz-" });
  const file = Deno.openSync(path, { read: true, write: true });
  Deno.removeSync(path);
  return file;
}

async function plainBackup(): Promise<Uint8Array> {
  using database = namelessFile();
  using out = namelessFile();
  database.writeSync(new Uint8Array(300).fill(7));
  database.seekSync(0, Deno.SeekMode.Start);
  await writeBackupFile({ out, database, facts: { rootSeed: seed, madeAtMs: 1_800_000_000_000 }, passphrase: null });
  const bytes = new Uint8Array(out.statSync().size);
  out.seekSync(0, Deno.SeekMode.Start);
  out.readSync(bytes);
  return bytes;
}
