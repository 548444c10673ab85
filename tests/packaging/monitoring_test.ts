/** The kit for watching a relay: every panel and alert, asked of a real Prometheus about a real relay; a page for each alert. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { linesOf, World } from "../commands/harness.ts";
import { isInstalled, say } from "./programs.ts";

const kit = (path: string) => fileURLToPath(new URL(`../../packaging/compose/${path}`, import.meta.url));
const page = (path: string) => fileURLToPath(new URL(`../../docs/operations/${path}`, import.meta.url));
const rules = kit("prometheus/alerts.yml");
const absent = ["prometheus", "promtool"].filter((program) => !isInstalled(program));
const missing = absent.length === 0 ? "" : ` (ignored: needs ${absent.join(", ")})`;

interface Panel {
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly targets: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
}

const dashboard = async (): Promise<Dashboard> =>
  JSON.parse(await Deno.readTextFile(kit("grafana/dashboards/qight.json")));
const alertNames = async () =>
  [...(await Deno.readTextFile(rules)).matchAll(/^ {6}- alert: (\w+)$/gm)].map(([, name]) => name);

Deno.test("expectation 36: the dashboard asks for job, instance and data source, and names no data source of its own", async () => {
  const { panels, templating } = await dashboard();
  assert.deepEqual(templating.list.map(({ name, type }) => [name, type]), [
    ["datasource", "datasource"],
    ["job", "query"],
    ["instance", "query"],
  ]);
  assert.ok(panels.length >= 15);
  let selectors = 0;
  for (const { title, datasource, targets } of panels) {
    for (const { uid } of [datasource, ...targets.map(({ datasource }) => datasource)]) {
      assert.equal(uid, "${datasource}", title);
    }
    for (const { expr } of targets) {
      for (const [, selector] of expr.matchAll(/\{([^}]*)\}/g)) {
        assert.match(selector, /^job=~"\$job", instance=~"\$instance"/, title);
        selectors++;
      }
    }
  }
  assert.ok(selectors >= panels.length, `${selectors} selectors`);
});

Deno.test("expectation 36: every alert has a page that it names, and every page an alert", async () => {
  const names = await alertNames();
  assert.ok(names.length >= 8);
  const pages = [...Deno.readDirSync(page("alerts"))].map(({ name }) => name.replace(/\.md$/, ""));
  assert.deepEqual(pages.sort(), [...names].sort());
  const text = await Deno.readTextFile(rules);
  const overview = await Deno.readTextFile(page("monitoring.md"));
  for (const name of names) {
    assert.ok(text.includes(`runbook: docs/operations/alerts/${name}.md`), name);
    assert.ok(overview.includes(`(alerts/${name}.md)`), name);
    assert.match(await Deno.readTextFile(page(`alerts/${name}.md`)), new RegExp(`^# ${name}\n`));
  }
});

Deno.test("every link of these pages leads to a page, and to a heading that is there", async () => {
  const pages = [page("monitoring.md"), ...(await alertNames()).map((name) => page(`alerts/${name}.md`))];
  for (const path of pages) {
    for (const [, target] of (await Deno.readTextFile(path)).matchAll(/\]\(([^)\s:]+)\)/g)) {
      const [file, anchor] = target.split("#");
      const text = await Deno.readTextFile(new URL(file, `file://${path}`));
      const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
        heading.toLowerCase().replaceAll(" ", "-")
      );
      assert.ok(anchor === undefined || headings.includes(anchor), `${path}: ${target}`);
    }
  }
});

Deno.test({
  name: `promtool takes the alert rules; each fires when it should, and a healthy relay is silent${missing}`,
  ignore: missing !== "",
  async fn() {
    const checked = await say("promtool", "check", "rules", rules);
    assert.equal(checked.code, 0, checked.text);
    const tested = await say("promtool", "test", "rules", kit("prometheus/alerts_test.yml"));
    assert.equal(tested.code, 0, tested.text);
    const tests = await Deno.readTextFile(kit("prometheus/alerts_test.yml"));
    for (const name of await alertNames()) {
      assert.match(tests, new RegExp(`alertname: ${name}\n +exp_alerts:\n`), `${name} is never seen to fire`);
      assert.match(tests, new RegExp(`alertname: ${name}\n +exp_alerts: \\[\\]`), `${name} is never seen silent`);
    }
  },
});

Deno.test({
  name:
    `expectation 36: every panel's query returns data from a real Prometheus about a running relay, and no alert fires${missing}`,
  ignore: missing !== "",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using world = new World();
    const metrics = `127.0.0.1:${freePort()}`;
    const env = {
      QIGHT_CFG__HTTP__LISTEN: metrics,
      QIGHT_CFG__STORAGE__MAX_QUEUE: "2",
      QIGHT_CFG__LIMITS__SEND_PER_MINUTE: "1",
      QIGHT_CFG__LIMITS__SEND_BURST: "3",
    };
    const relay = await world.relay({ env });
    await using prometheus = await Prometheus.start(world.folder, metrics);
    const ada = await world.member("ada", relay);
    // What is counted before Prometheus first looks shows in no rate.
    while (!await prometheus.hasData("qight_messages_accepted_total")) await ada.ok(["ping"]);
    const send = async () => (await ada.run(["send", ada.id, "counted", "--timeout", "2s"])).code;
    assert.deepEqual([await send(), await send(), await send(), await send()], [0, 0, 75, 75]);
    await ada.ok(["fetch"]);

    const exposed = await (await fetch(`http://${metrics}/metrics`)).text();
    const file = world.operator.file("metrics.txt", exposed);
    const checked = await say("sh", "-c", `promtool check metrics < ${file}`);
    assert.deepEqual([checked.code, checked.text], [0, ""]);

    const waiting = new Map(
      (await dashboard()).panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [expr, title] as const)),
    );
    const deadline = performance.now() + 60_000;
    // Calls go on, so that rates and quantiles have something to count.
    while (waiting.size > 0 && performance.now() < deadline) {
      for (const expr of waiting.keys()) if (await prometheus.hasData(expr)) waiting.delete(expr);
      if (waiting.size > 0) await ada.run(["send", ada.id, "more", "--timeout", "2s"]);
    }
    assert.deepEqual([...waiting], []);
    const { groups } = await prometheus.ask("rules") as {
      groups: { rules: { name: string; state: string; health: string }[] }[];
    };
    const loaded = groups.flatMap(({ rules }) => rules);
    assert.ok(loaded.length >= (await alertNames()).length, `${loaded.length} rules`);
    for (const { name, state, health } of loaded) {
      assert.deepEqual([state === "firing", health], [false, "ok"], name);
    }
    assert.equal(await relay.stop(), 0);
  },
});

Deno.test({
  name: "with Deno's variables for OpenTelemetry the relay's log goes over OTLP too, and still to standard error",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const logs: string[] = [];
    await using collector = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const body = new TextDecoder().decode(await request.arrayBuffer());
      if (new URL(request.url).pathname === "/v1/logs") logs.push(body);
      return new Response("{}");
    });
    await using world = new World();
    const relay = await world.relay({
      args: ["--log-format", "json"],
      env: {
        OTEL_DENO: "true",
        OTEL_SERVICE_NAME: "qight-relay",
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
      },
    });
    await relay.process.seen(/"message":"relay started"/);
    assert.equal(await relay.stop(), 0); // what was not sent yet goes out at the end
    assert.ok(logs.some((body) => body.includes("qight-relay") && body.includes("relay started")));
  },
});

/** Prometheus over the kit's own configuration, with this relay for its target and seconds for its intervals. */
class Prometheus implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #address: string;
  readonly #reading: Promise<void>;

  private constructor(process: Deno.ChildProcess, address: string, reading: Promise<void>) {
    this.#process = process;
    this.#address = address;
    this.#reading = reading;
  }

  static async start(folder: string, target: string): Promise<Prometheus> {
    const config = (await Deno.readTextFile(kit("prometheus/prometheus.yml"))).replaceAll(": 15s", ": 1s")
      .replace("relay:9464", target).replace("alerts.yml", rules);
    assert.ok(config.includes(target) && config.includes(rules));
    const path = `${folder}/prometheus.yml`;
    await Deno.writeTextFile(path, config);
    const address = `127.0.0.1:${freePort()}`;
    const process = new Deno.Command("prometheus", {
      args: [`--config.file=${path}`, `--storage.tsdb.path=${folder}/tsdb`, `--web.listen-address=${address}`],
      cwd: folder,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const ready = Promise.withResolvers<void>();
    const reading = (async () => {
      for await (const line of linesOf(process.stderr)) if (line.includes("ready to receive")) ready.resolve();
      ready.reject(new Error("Prometheus ended"));
    })();
    await ready.promise;
    return new Prometheus(process, address, reading);
  }

  async ask(path: string): Promise<unknown> {
    const response = await fetch(`http://${this.#address}/api/v1/${path}`);
    const { status, data, error } = await response.json();
    assert.equal(status, "success", `${path}: ${error}`);
    return data;
  }

  /** Whether a panel's query has at least one number to show. */
  async hasData(expr: string): Promise<boolean> {
    const query = expr.replaceAll(/\$(job|instance)/g, ".+").replaceAll("$__rate_interval", "30s");
    const { result } = await this.ask(`query?query=${encodeURIComponent(query)}`) as {
      result: { value: [number, string] }[];
    };
    return result.some(({ value: [, number] }) => Number.isFinite(Number(number)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    await this.#reading;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
