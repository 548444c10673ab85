/**
 * A sender whose folder is put back from an old copy, and one that comes back from an old export: it has forgotten what it
 * sent, and still nothing is shown twice. Either counts anew, and the reader is told.
 * @module
 */
import { checkLedgers, complaints } from "../checker.ts";
import type { Entry } from "../ledger.ts";
import { must, person, qight, run } from "../processes.ts";

/** What came of the copies. */
export interface Restored {
  readonly copies: number;
  readonly complaints: string[];
}

/** Sends, copies the folder, sends on, puts the copy back, and sends again; the reader is an ordinary `fetch --json`. */
export async function restoredSender(folder: string, relay: string): Promise<Restored> {
  const reader = person(`${folder}/reader`, relay);
  const to = await must(qight("key", "gen", "--no-passphrase"), { env: reader });
  const sender = person(`${folder}/sender`, relay);
  await must(qight("key", "gen", "--no-passphrase"), { env: sender });
  const entries: Entry[] = [];
  const broken: string[] = [];
  const told: string[] = [];
  let n = 0;
  const send = async (...flags: string[]) => {
    const text = `restored-${n}-${crypto.randomUUID()}`;
    const entry = { text, sender: "sender", n: n++ };
    entries.push({ kind: "intent", ...entry });
    const { code, stdout, stderr } = await run(qight("send", "--sealed", to, text, ...flags), { env: sender });
    if (code === 0) entries.push({ kind: "ack", ...entry, id: stdout.trim() });
    else broken.push(`message ${entry.n} ended with ${code}: ${stderr.trim()}`);
  };
  const fetch = async () => {
    for (const line of (await must(qight("fetch", "--json", "--events"), { env: reader })).split("\n")) {
      if (line === "") continue;
      const { type, id, text } = JSON.parse(line);
      if (type === "message") entries.push({ kind: "shown", text, id, reader: "reader" });
      else told.push(type);
    }
  };

  await send();
  const exported = await must(qight("key", "export", "--with-device"), { env: sender });
  await send("--queue");
  await copyFolder(sender.XDG_DATA_HOME, `${folder}/old`);
  await send(); // this one also delivers what was queued
  await send();
  await fetch();
  await Deno.remove(sender.XDG_DATA_HOME, { recursive: true });
  await copyFolder(`${folder}/old`, sender.XDG_DATA_HOME);
  await send(); // the copy believes that the queued one is still to be delivered
  await send();
  await fetch();
  if (told.join() !== "lineage") broken.push(`after the copy the reader was told "${told}" instead of "lineage"`);
  told.length = 0;

  await Deno.remove(sender.XDG_DATA_HOME, { recursive: true });
  await must(qight("key", "import"), { env: sender, stdin: exported });
  await send();
  await fetch();
  if (told.join() !== "lineage") broken.push(`after the import the reader was told "${told}" instead of "lineage"`);
  return { copies: 2, complaints: [...broken, ...complaints(checkLedgers(entries))] };
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { mode: 0o700 });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
