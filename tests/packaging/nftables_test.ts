/** The packet filter loads, and holds back floods of first packets without touching connections that are up. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isInstalled, say } from "./programs.ts";

const path = fileURLToPath(new URL("../../packaging/nftables/qight.nft", import.meta.url));
const counter = fileURLToPath(new URL("./datagram_counter.ts", import.meta.url));
/** Even a check asks the kernel, so it happens in a network namespace of its own. */
const possible = isInstalled("nft") && isInstalled("unshare") && isInstalled("ip") && Deno.uid() === 0 &&
  new Deno.Command("unshare", { args: ["-n", "true"], stderr: "null" }).outputSync().success;
const missing = possible ? "" : " (ignored: needs root, nft, ip and unshare)";

Deno.test({
  name: `nftables: the rules are rules that nft takes${missing}`,
  ignore: !possible,
  async fn() {
    const { code, text } = await say("unshare", "-n", "nft", "-c", "-f", path);
    assert.deepEqual([code, text], [0, ""]);
  },
});

Deno.test({
  name: `nftables: loading twice leaves one table, and no other table is touched${missing}`,
  ignore: !possible,
  async fn() {
    const script = `nft add table inet other && nft -f ${path} && nft -f ${path} && nft list tables`;
    const { code, text } = await say("unshare", "-n", "sh", "-c", script);
    assert.deepEqual([code, text.trim().split("\n")], [0, ["table inet other", "table inet qight"]]);
  },
});

Deno.test({
  name:
    "nftables: of 500 first packets from one source some 90 pass, of other packets all, of short first packets none",
  ignore: !possible,
  async fn() {
    const rules = await Deno.makeTempFile({ suffix: ".nft" });
    try {
      // A namespace has only its loopback, which the rules spare.
      const text = await Deno.readTextFile(path);
      assert.match(text, /^\s*iif lo accept$/m);
      await Deno.writeTextFile(rules, text.replace(/^\s*iif lo accept$/m, ""));
      const deno = `${Deno.execPath()} run --quiet -A --unstable-net ${counter}`;
      const { code, text: said } = await say(
        "unshare",
        "-n",
        "sh",
        "-c",
        `ip link set lo up && nft -f ${rules} && ${deno}`,
      );
      assert.equal(code, 0, said);
      for (const line of said.trim().split("\n")) {
        const { host, initial, short, oneRtt, handshake } = JSON.parse(line);
        assert.ok(initial >= 60 && initial < 250, `${host}: ${initial} first packets passed`);
        assert.deepEqual({ short, oneRtt, handshake }, { short: 0, oneRtt: 500, handshake: 500 }, host);
      }
      assert.equal(said.trim().split("\n").length, 2);
    } finally {
      await Deno.remove(rules);
    }
  },
});
