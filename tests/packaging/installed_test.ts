/** The real tree, installed by dpkg and unpacked from the image, run as its service would run it. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { makeDeb } from "../../scripts/build/deb.ts";
import { makeImage } from "../../scripts/build/oci.ts";
import { checkImage } from "./image_rules.ts";
import { say } from "./programs.ts";
import { realTree } from "./real_tree.ts";
import { startService } from "./service_process.ts";
import { missingFor, missingNamespaces, ThrowawayRoot } from "./throwaway_root.ts";

const { tree, missing: noTree } = await realTree();
const missing = noTree || missingFor(["dpkg", "busybox", "nsenter"], { root: true }) || missingNamespaces();
const ADDRESS = /^address {2}(qight:\/\/[\w-]{43}@192\.0\.2\.7:4433) /;
const TOKEN = /^token {4}(qight_[\w-]{43}) /;
const HOSTS = "127.0.0.1 localhost\n";
/** Some user of the range that systemd takes dynamic ones from. */
const SERVICE_USER = "61184:61184";

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: name + missing, ignore: missing !== "", fn });
}

async function done(command: Deno.Command): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** What systemd hears. It listens all the time: a full socket would hold the sender up. */
class Manager implements AsyncDisposable {
  readonly #socket: Deno.DatagramConn;
  readonly #heard: string[] = [];
  readonly #listening: Promise<void>;
  #wake = Promise.withResolvers<void>();

  constructor(path: string) {
    const socket = this.#socket = Deno.listenDatagram({ transport: "unixpacket", path });
    Deno.chmodSync(path, 0o777);
    this.#listening = (async () => {
      for await (const [bytes] of socket) {
        this.#heard.push(new TextDecoder().decode(bytes));
        this.#wake.resolve();
      }
    })();
  }

  /** All that came up to the first of these, which counts as read. */
  async upTo(state: string): Promise<string[]> {
    while (!this.#heard.includes(state)) {
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
    return this.#heard.splice(0, this.#heard.indexOf(state) + 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#listening;
  }
}

test("expectation 37: the installed relay tells systemd that it is ready, that it lives, and that it stops; an upgrade loses no message", async () => {
  await using root = await new ThrowawayRoot().withShell();
  for (const folder of ["var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "run", "tmp", "home/ada"]) {
    await Deno.mkdir(root.at(folder), { recursive: true });
  }
  await Deno.writeTextFile(root.at("var/lib/dpkg/status"), "");
  const deb = root.at("qight.deb");
  await Deno.writeFile(deb, await makeDeb("linux-x64", tree, "1.0.0"));
  const install = async () => {
    const { code, text } = await say("dpkg", `--root=${root.path}`, "-i", deb);
    assert.equal(code, 0, text);
  };
  await install();
  await Deno.writeTextFile(root.at("etc/hosts"), HOSTS);
  const tested = await done(root.command(["/usr/bin/qight", "selftest"], { env: { PATH: "/bin", HOME: "/tmp" } }));
  assert.equal(tested.code, 0, tested.stdout + tested.stderr);
  // As systemd makes them with DynamicUser=: the service's folder, and a link of root's where one looks for it.
  for (const above of ["var/lib", "var/cache"]) {
    const folder = root.at(`${above}/private/qight`);
    await Deno.mkdir(folder, { recursive: true, mode: 0o755 });
    await Deno.chmod(folder, 0o700);
    await Deno.chown(folder, 61184, 61184);
    await Deno.symlink("private/qight", root.at(`${above}/qight`));
  }
  await using manager = new Manager(root.at("run/notify"));
  const unit = await Deno.readTextFile(root.at("usr/lib/systemd/system/qight.service"));
  const [, command] = /^ExecStart=(.+)$/m.exec(unit)!;
  const [, environment] = /^Environment=(.+)$/m.exec(unit)!;
  const env = {
    PATH: "/usr/bin:/bin",
    ...Object.fromEntries(environment.split(" ").map((pair) => pair.split("="))),
    STATE_DIRECTORY: "/var/lib/qight",
    NOTIFY_SOCKET: "/run/notify",
    WATCHDOG_USEC: "300000",
  };
  const start = () => startService(root.command(command.split(" "), { env, user: SERVICE_USER }));

  const first = start();
  const [, address] = ADDRESS.exec(await first.line() ?? "") ?? assert.fail(first.stderr());
  const [, token] = TOKEN.exec(await first.line() ?? "") ?? assert.fail(first.stderr());
  assert.deepEqual(await manager.upTo("READY=1"), ["READY=1"]);
  for (let n = 0; n < 3; n++) assert.deepEqual(await manager.upTo("WATCHDOG=1"), ["WATCHDOG=1"]);

  const ada = { PATH: "/usr/bin:/bin", HOME: "/home/ada", QIGHT_RELAY: address, QIGHT_TOKEN_FILE: "/home/ada/token" };
  await Deno.writeTextFile(root.at("home/ada/token"), token, { mode: 0o600 });
  const as = (pid: number, ...words: string[]) =>
    done(root.command(["/usr/bin/qight", ...words], { env: ada, beside: pid }));
  const made = await as(first.pid, "key", "gen", "--no-passphrase");
  assert.equal(made.code, 0, made.stderr);
  const sent = await as(first.pid, "send", made.stdout.trim(), "before the upgrade");
  assert.equal(sent.code, 0, sent.stderr);

  await install(); // files are replaced under the running relay
  assert.equal((await as(first.pid, "send", made.stdout.trim(), "during the upgrade")).code, 0);
  assert.equal(await first.stop(), 0);
  assert.ok((await manager.upTo("STOPPING=1")).slice(0, -1).every((said) => said === "WATCHDOG=1"));

  const second = start();
  assert.equal(ADDRESS.exec(await second.line() ?? "")?.[1], address);
  const fetched = await as(second.pid, "fetch", "--json");
  const texts = fetched.stdout.trim().split("\n").map((line) => JSON.parse(line).text);
  assert.deepEqual(texts, ["before the upgrade", "during the upgrade"]);
  const status = await done(
    root.command(["/usr/bin/qight", "relay", "status", "--json"], { env: { PATH: "/bin", HOME: "/tmp" } }),
  );
  assert.equal(JSON.parse(status.stdout).auth, "token", status.stderr);
  assert.equal(await second.stop(), 0);
  assert.ok(!(await second.rest()).some((line) => TOKEN.test(line)), "the token is shown once");
});

test("expectation 29: the image's relay answers health within 5 s on an empty volume, with one token beside the address", async () => {
  await using root = new ThrowawayRoot();
  const { config, files } = checkImage(makeImage("linux-x64", tree, "1.0.0"));
  for (const { path, type, mode, owner, bytes } of files) {
    if (type === "folder") await Deno.mkdir(root.at(path), { recursive: true });
    else await Deno.writeFile(root.at(path), bytes);
    await Deno.chmod(root.at(path), mode);
    await Deno.chown(root.at(path), owner, owner);
  }
  const env = Object.fromEntries(config.Env.map((pair) => pair.split("=")));
  const options = { env, user: config.User };
  const before = root.list();
  const startedMs = performance.now();
  const relay = startService(root.command([...config.Entrypoint, ...config.Cmd], options));
  assert.match(await relay.line() ?? relay.stderr(), ADDRESS);
  assert.match(await relay.line() ?? "", TOKEN);
  const health = await done(root.command(config.Healthcheck.Test.slice(1), { ...options, beside: relay.pid }));
  const tookMs = performance.now() - startedMs;
  assert.deepEqual([health.code, health.stdout], [0, "healthy\n"], health.stderr);
  assert.ok(tookMs < 5_000, `${Math.round(tookMs)} ms`);
  await Deno.writeTextFile(root.at("etc/hosts"), HOSTS); // as an engine does
  const tested = await done(root.command([...config.Entrypoint, "selftest"], options));
  assert.equal(tested.code, 0, tested.stdout + tested.stderr);
  assert.equal(await relay.stop(), 0);
  assert.ok(!(await relay.rest()).some((line) => TOKEN.test(line)));
  const written = root.list().filter((path) => !before.includes(path) && !/^(proc\/|dev\/|etc\/hosts)$/.test(path));
  assert.ok(written.length > 3 && written.every((path) => path.startsWith("data/")), written.join(" "));
  const down = await done(root.command(config.Healthcheck.Test.slice(1), options));
  assert.equal(down.code, 69, "the check fails when the relay is gone");

  // Again on the same volume: the same address, no token.
  const again = startService(root.command([...config.Entrypoint, ...config.Cmd], options));
  assert.match(await again.line() ?? again.stderr(), ADDRESS);
  assert.match(await again.line() ?? "", /^data /);
  assert.equal(await again.stop(), 0);
  assert.equal(Deno.statSync(join(root.path, "data/root.key")).mode! & 0o777, 0o600);
});
