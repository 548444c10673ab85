/** Whose address counts behind proxies. @module */

import assert from "node:assert/strict";
import { forwardedFor } from "../../net/forwarded.ts";
import { QightError } from "../../proto/errors.ts";

const rows: [what: string, proxies: string[], socket: string, header: string | undefined, seen: string][] = [
  ["no proxies are trusted", [], "192.0.2.1", "203.0.113.9", "192.0.2.1"],
  ["the socket is not a trusted proxy", ["192.0.2.2"], "192.0.2.1", "203.0.113.9", "192.0.2.1"],
  ["a trusted proxy sends no header", ["192.0.2.1"], "192.0.2.1", undefined, "192.0.2.1"],
  ["a trusted proxy names the client", ["192.0.2.1"], "192.0.2.1", "203.0.113.9", "203.0.113.9"],
  ["the client wrote a header itself", ["192.0.2.1"], "192.0.2.1", "10.9.9.9, 203.0.113.9", "203.0.113.9"],
  ["two trusted proxies in a row", ["192.0.2.0/24"], "192.0.2.1", "203.0.113.9, 192.0.2.7", "203.0.113.9"],
  ["everything is a trusted proxy", ["192.0.2.0/24"], "192.0.2.1", "192.0.2.8, 192.0.2.7", "192.0.2.8"],
  ["the header is junk", ["192.0.2.1"], "192.0.2.1", "203.0.113.9, unknown", "192.0.2.1"],
  ["IPv6", ["2001:db8::/32"], "2001:db8::1", "2001:db9::5", "2001:db9::5"],
];

for (const [what, proxies, socket, header, seen] of rows) {
  Deno.test(`forwarded: when ${what}, ${seen} counts`, () => {
    assert.equal(forwardedFor(proxies)(socket, header), seen);
  });
}

for (const proxy of ["proxy.example.org", "10.0.0.0/33", "10.0.0.0/8/8", "10.0.0.0/", ""]) {
  Deno.test(`forwarded: the trusted proxy "${proxy}" is a config error`, () => {
    assert.throws(() => forwardedFor([proxy]), (error) => error instanceof QightError && error.code === "config");
  });
}
