/**
 * The main job, shown: a real relay, two people who write to each other, a group of three, a second
 * device, each command as a user would type it.
 * Ends in under 20 s, leaves nothing behind, and exits non-zero when a step fails.
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { denoDir } from "../tests/helpers/deno_dir.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = await Deno.makeTempDir({ prefix: "qight-" });
const processes = new Set<Deno.ChildProcess>();
const started = performance.now();

let code = 0;
let cleaning: Promise<void> | undefined;

const endBy = (exit: number) => () => {
  code = exit;
  void cleanUp().then(() => Deno.exit(exit));
};
Deno.addSignalListener("SIGINT", endBy(130));
if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", endBy(143));

try {
  await demo();
  console.log(`\n# done in ${((performance.now() - started) / 1000).toFixed(1)} s; nothing is left behind`);
} catch (error) {
  console.error(`\ndemo failed: ${(error as Error).message}`);
  code ||= 1;
} finally {
  await cleanUp();
}
Deno.exit(code);

async function demo(): Promise<void> {
  say("A relay, on the machine of somebody who runs one");
  const relay = start("relay", ["relay", "--listen", "127.0.0.1:0"], { QIGHT_CFG__HTTP__LISTEN: "" });
  shown("operator", "qight relay --listen 127.0.0.1:0");
  const line = await firstLine(relay);
  console.log(line);
  const address = /^address {2}(\S+)/.exec(line)?.[1];
  if (!address) throw new Error("the relay printed no address");

  say("Two people make their keys; each gets an id to give away");
  const use = { QIGHT_RELAY: address };
  console.log(`(both) $ export QIGHT_RELAY=${address}`);
  const ada = await run("ada", ["key", "gen", "--no-passphrase"], use);
  const bob = await run("bob", ["key", "gen", "--no-passphrase"], use);

  say("Ada's machine reports; Bob reads it when he comes by");
  await run("ada", ["send", bob], use, "disk full on web-3\n");
  expect(await run("bob", ["fetch", "--wait", "10s"], use), /disk full on web-3/);

  say("Bob answers; a script of Ada's reads JSON");
  await run("bob", ["send", ada, "on my way"], use);
  const reply = JSON.parse(await run("ada", ["fetch", "--wait", "10s", "--json"], use));
  if (reply.text !== "on my way" || reply.from !== bob || reply.verified !== true) {
    throw new Error(`Ada read ${JSON.stringify(reply)}`);
  }

  say("What was read is acknowledged: nothing comes twice");
  const rest = await run("bob", ["fetch"], use);
  if (rest !== "") throw new Error(`Bob read again: ${rest}`);

  say("Carol joins them: Ada makes a group of three, and #ops names it");
  const carol = await run("carol", ["key", "gen", "--no-passphrase"], use);
  await run("ada", ["group", "create", "ops", bob, carol], use);
  await run("ada", ["send", "#ops", "deploy at nine"], use);
  expect(await run("carol", ["fetch", "--in", "#ops", "--wait", "10s"], use), /#ops .*deploy at nine/);

  say("Ada has a laptop too: twelve words let it into her account, and it knows what was said");
  shown("laptop", "qight device link --no-passphrase");
  const laptop = start("laptop", ["device", "link", "--no-passphrase"], use);
  const code = await firstLine(laptop);
  console.log(code);
  await run("ada", ["device", "link", code, "-y"], use);
  const linked = await laptop.status;
  processes.delete(laptop);
  if (linked.code !== 0) throw new Error(`the laptop was not linked: ${linked.code}`);
  await run("laptop", ["fetch"], use);
  expect(await run("laptop", ["history", "--in", "#ops"], use), /deploy at nine/);
  await run("laptop", ["send", "#ops", "done, from the train"], use);
  expect(await run("carol", ["fetch", "--wait", "10s"], use), /#ops .*done, from the train/);

  say("The relay finishes what is under way and stops");
  shown("operator", `kill ${relay.pid}`);
  relay.kill("SIGTERM");
  const status = await relay.status;
  processes.delete(relay);
  if (status.code !== 0) throw new Error(`the relay ended with ${status.code}`);
}

/** Runs a command of a person to its end, shows it with its answer, and returns the answer. */
async function run(who: string, args: string[], env: Record<string, string>, stdin?: string): Promise<string> {
  shown(who, `${stdin === undefined ? "" : `echo "${stdin.trim()}" | `}qight ${args.map(quoted).join(" ")}`);
  const child = start(who, args, env);
  const writer = child.stdin.getWriter();
  if (stdin !== undefined) await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  processes.delete(child);
  const answer = new TextDecoder().decode(stdout).trimEnd();
  if (answer) console.log(answer);
  if (code !== 0) throw new Error(`qight ${args[0]} ended with ${code}: ${new TextDecoder().decode(stderr)}`);
  return answer;
}

/** Starts Deno itself: a signal to a wrapper such as npx would not reach it. */
function start(who: string, args: string[], env: Record<string, string>): Deno.ChildProcess {
  const home = join(folder, who);
  Deno.mkdirSync(home, { recursive: true });
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-qA",
      "--node-modules-dir=manual",
      "--config",
      join(root, "deno.json"),
      join(root, "cli/main.ts"),
      ...args,
    ],
    env: {
      ...env,
      HOME: home,
      DENO_DIR: denoDir(),
      XDG_CONFIG_HOME: join(home, "config"),
      XDG_DATA_HOME: join(home, "data"),
      XDG_STATE_HOME: join(home, "state"),
      QIGHT_DATA_DIR: home,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  processes.add(child);
  return child;
}

async function firstLine(child: Deno.ChildProcess): Promise<string> {
  let text = "";
  // Not cancelled: the process may have more to say.
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream()).values({ preventCancel: true })) {
    text += chunk;
    if (text.includes("\n")) return text.split("\n")[0];
  }
  throw new Error(`it did not start: ${await new Response(child.stderr).text()}`);
}

function expect(answer: string, pattern: RegExp): void {
  if (!pattern.test(answer)) throw new Error(`expected ${pattern} in: ${answer}`);
}

function shown(who: string, command: string): void {
  console.log(`(${who}) $ ${command}`);
}

function say(text: string): void {
  console.log(`\n# ${text}`);
}

function quoted(word: string): string {
  if (word.startsWith("#")) return `'${word}'`;
  return /^[\w./:@=-]+$/.test(word) ? word : `"${word}"`;
}

function cleanUp(): Promise<void> {
  return cleaning ??= endAll();
}

async function endAll(): Promise<void> {
  for (const child of processes) {
    processes.delete(child);
    try {
      child.kill("SIGKILL");
    } catch (error) {
      // It ended by itself in the meantime.
      if (!(error instanceof TypeError)) throw error;
    }
    await child.status;
  }
  await Deno.remove(folder, { recursive: true });
}
