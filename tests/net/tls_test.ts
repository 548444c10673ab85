/** The root certificate byte by byte, and the leaves that a root signs. @module */

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { unpem } from "../../net/der.ts";
import { issueLeaf, leafExpiry, rootCertificate } from "../../net/tls.ts";
import { QightError } from "../../proto/errors.ts";
import { testRoot } from "./relay_fixture.ts";

Deno.test("tls: the root certificate of the key 00..1f has exactly these bytes", () => {
  const key = Uint8Array.from({ length: 32 }, (_, at) => at);
  const name = "301e 311c 301a 0603550403 0c13 716967687420 72656c6179 20 726f6f74 20 7631"; // CN=qight relay root v1
  const expected = [
    "3082010f", // Certificate
    "3081c2", // tbsCertificate
    "a003020102", // version v3
    "020101", // serial 1
    "300506032b6570", // Ed25519
    name, // issuer
    "3020", // validity
    "170d 3730303130313030303030305a", // UTCTime 700101000000Z
    "180f 39393939313233313233353935395a", // GeneralizedTime 99991231235959Z
    name, // subject
    "302a 300506032b6570 0321 00", // subjectPublicKeyInfo
    key.toHex(),
    "a323 3021", // extensions
    "300f 0603551d13 0101ff 0405 30030101ff", // critical basicConstraints CA:TRUE
    "300e 0603551d0f 0101ff 0404 03020204", // critical keyUsage keyCertSign
    "300506032b6570", // Ed25519
    "0341 00" + "00".repeat(64), // signature: 64 zero bytes
  ].join("").replaceAll(" ", "");
  assert.equal(unpem("CERTIFICATE", rootCertificate(key))!.toHex(), expected);
});

Deno.test("tls: a root key of another length is bad_address", () => {
  for (const length of [0, 31, 33]) {
    assert.throws(
      () => rootCertificate(new Uint8Array(length)),
      (error) => error instanceof QightError && error.code === "bad_address",
    );
  }
});

Deno.test("tls: a leaf is P-256, no CA, for servers, with the fixed name and the hosts, from 1970 on", async () => {
  const root = await testRoot();
  const notAfter = new Date("2031-02-03T04:05:06Z");
  const leaf = await root.leaf({ hosts: ["relay.example.org", "192.0.2.7", "2001:db8::7", "relay.qight"], notAfter });
  const certificate = new X509Certificate(leaf.cert);
  assert.equal(
    certificate.subjectAltName?.replaceAll(/IP Address:2001:[^,]*/g, "IP Address:v6"),
    "DNS:relay.qight, DNS:relay.example.org, IP Address:192.0.2.7, IP Address:v6",
  );
  assert.equal(certificate.ca, false);
  assert.equal(certificate.issuer, "CN=qight relay root v1");
  assert.equal(new Date(certificate.validFrom).getTime(), 0);
  assert.equal(new Date(certificate.validTo).getTime(), notAfter.getTime());
  assert.match(leaf.key, /^-----BEGIN PRIVATE KEY-----\n/);
});

Deno.test("tls: two leaves share neither key nor serial number", async () => {
  const root = await testRoot();
  const [a, b] = [await root.leaf(), await root.leaf()];
  assert.notEqual(a.key, b.key);
  assert.notEqual(new X509Certificate(a.cert).serialNumber, new X509Certificate(b.cert).serialNumber);
});

for (const time of ["2026-12-21T13:00:00Z", "2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]) {
  Deno.test(`tls: the expiry ${time} is read back from the leaf`, async () => {
    const leaf = await (await testRoot()).leaf({ notAfter: new Date(time) });
    assert.equal(leafExpiry(leaf).getTime(), new Date(time).getTime());
  });
}

Deno.test("tls: the expiry of what is no certificate is bad_certificate", () => {
  const broken = ["", "hello", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"];
  for (const cert of broken) {
    assert.throws(
      () => leafExpiry({ cert, key: "" }),
      (error) => error instanceof QightError && error.code === "bad_certificate",
    );
  }
});

Deno.test("tls: a leaf signed by another key than the named root does not verify", async () => {
  const [root, other] = [await testRoot(), await crypto.subtle.generateKey("Ed25519", false, ["sign"])];
  const leaf = await issueLeaf({
    rootPrivateKey: (other as CryptoKeyPair).privateKey,
    rootPublicKey: root.publicKey,
    hosts: [],
    notAfter: new Date("2099-01-01T00:00:00Z"),
  });
  const rootKey = new X509Certificate(root.trust.caCerts[0]).publicKey;
  assert.equal(new X509Certificate((await root.leaf()).cert).verify(rootKey), true);
  assert.equal(new X509Certificate(leaf.cert).verify(rootKey), false);
});
