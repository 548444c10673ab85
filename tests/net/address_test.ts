/** Relay addresses: what is accepted, what is not, and whom they make a client trust. @module */

import assert from "node:assert/strict";
import fc from "fast-check";
import { formatRelayAddress, parseRelayAddress, trustFor } from "../../net/address.ts";
import { QightError } from "../../proto/errors.ts";
import { SEED } from "./relay_fixture.ts";

const ROOT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"; // bytes 0 to 31

const good: [text: string, host: string, port: number, canonical: string][] = [
  [`qight://${ROOT}@127.0.0.1:4433`, "127.0.0.1", 4433, `qight://${ROOT}@127.0.0.1:4433`],
  [`qight://${ROOT}@relay.example.org`, "relay.example.org", 4433, `qight://${ROOT}@relay.example.org:4433`],
  [`QIGHT://${ROOT}@Relay.Example.ORG:1/`, "relay.example.org", 1, `qight://${ROOT}@relay.example.org:1`],
  [`qight://${ROOT}@[::1]:65535`, "::1", 65535, `qight://${ROOT}@[::1]:65535`],
  [`qight://${ROOT}@[2001:DB8:0:0::1]`, "2001:db8::1", 4433, `qight://${ROOT}@[2001:db8::1]:4433`],
  ["qight://localhost", "localhost", 4433, "qight://localhost:4433"],
  ["qight://relay_1.local:7", "relay_1.local", 7, "qight://relay_1.local:7"],
];

for (const [text, host, port, canonical] of good) {
  Deno.test(`address: ${text} is accepted`, () => {
    const address = parseRelayAddress(text);
    assert.deepEqual([address.host, address.port, address.text], [host, port, canonical]);
    assert.deepEqual(address.root, text.includes(ROOT) ? Uint8Array.from({ length: 32 }, (_, at) => at) : undefined);
  });
}

const bad: [what: string, text: string][] = [
  ["nothing", ""],
  ["another scheme", `https://${ROOT}@h:1`],
  ["no host", `qight://${ROOT}@`],
  ["no host but a port", "qight://:4433"],
  ["a root of 42 characters", `qight://${ROOT.slice(1)}@h`],
  ["a root of 44 characters", `qight://${ROOT}A@h`],
  ["a root with padding", `qight://${ROOT}=@h`],
  ["a root whose last two bits are set", `qight://${ROOT.slice(0, -1)}9@h`],
  ["a root in the other base64 alphabet", `qight://${"+".repeat(43)}@h`],
  ["an empty root", "qight://@h"],
  ["port 0", "qight://h:0"],
  ["port 65536", "qight://h:65536"],
  ["a port that is no number", "qight://h:port"],
  ["an empty port", "qight://h:"],
  ["IPv6 without brackets", "qight://::1"],
  ["brackets without IPv6", "qight://[h]:1"],
  ["a zone", "qight://[fe80::1%25eth0]"],
  ["an open bracket", "qight://[::1"],
  ["a path", "qight://h:1/path"],
  ["a query", "qight://h:1?x"],
  ["a space", "qight://h :1"],
  ["an empty label", "qight://a..b"],
  ["a byte too much in IPv4", "qight://1.2.3.256"],
  ["a short IPv4", "qight://127.1"],
  ["a control character", "qight://h\u001b"],
  ["a name too long", `qight://${"a".repeat(64)}`],
];

for (const [what, text] of bad) {
  Deno.test(`address: ${what} is bad_address`, () => {
    assert.throws(
      () => parseRelayAddress(text),
      (error) => error instanceof QightError && error.code === "bad_address",
    );
  });
}

Deno.test(`address: what is formatted parses back to the same (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: undefined }),
      fc.oneof(fc.ipV4(), fc.ipV6().filter((host) => !host.includes(".")), fc.domain()),
      fc.integer({ min: 1, max: 65_535 }),
      (root, host, port) => {
        const address = parseRelayAddress(formatRelayAddress({ root, host, port }));
        assert.deepEqual(address.root, root);
        assert.equal(address.port, port);
        assert.equal(parseRelayAddress(address.text).text, address.text);
      },
    ),
    { seed: SEED, numRuns: 300 },
  );
});

Deno.test(`address: no text makes the parser fail otherwise than with bad_address (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 80 }), fc.boolean(), (junk, prefixed) => {
      try {
        parseRelayAddress(prefixed ? `qight://${junk}` : junk);
      } catch (error) {
        assert.ok(error instanceof QightError && error.code === "bad_address", String(error));
      }
    }),
    { seed: SEED, numRuns: 5_000 },
  );
});

Deno.test("address: with a root the client trusts that root under the fixed name", () => {
  const trust = trustFor(parseRelayAddress(`qight://${ROOT}@example.org`));
  assert.equal(trust.serverName, "relay.qight");
  assert.equal(trust.caCerts.length, 1);
});

Deno.test("address: without a root the client trusts ordinary roots for the host's own name", () => {
  assert.deepEqual(trustFor(parseRelayAddress("qight://example.org")), { caCerts: [], serverName: "example.org" });
});
