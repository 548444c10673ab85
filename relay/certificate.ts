/**
 * The relay's TLS leaf: the operator's own, or one signed by the root key and renewed at half its life.
 * @module
 */
import { X509Certificate } from "node:crypto";
import type { Leaf } from "../net/connection.ts";
import { issueLeaf, leafExpiry } from "../net/tls.ts";
import { QightError } from "../proto/errors.ts";
import type { RelayConfig } from "./config.ts";
import { parseHostPort } from "./config/addresses.ts";
import type { DataFolder } from "./data_folder.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** The leaf in use and the names it may be dialled by. */
export interface Certificate {
  readonly leaf: Leaf;
  readonly expiresAtMs: number;
  /** True when made and signed by the root key: addresses then carry ROOT. */
  readonly ownRoot: boolean;
  /** Hosts that a client without ROOT may have dialled, lower case. */
  readonly names: readonly string[];
}

/** Loads the leaf of the configuration, or the kept one while more than half its life is left, or makes a new one. */
export async function openCertificate(config: RelayConfig, folder: DataFolder, nowMs: number): Promise<Certificate> {
  const { cert, key, leafDays } = config.tls;
  if (cert !== "" || key !== "") return await operatorsCertificate(cert, key);
  const kept = await folder.loadLeaf();
  if (kept && leafExpiry(kept).getTime() - nowMs > leafDays * DAY_MS / 2) return ownCertificate(kept);
  const leaf = await issueLeaf({
    rootPrivateKey: folder.rootKey.privateKey,
    rootPublicKey: folder.rootKey.publicKey,
    hosts: advertisedHosts(config),
    notAfter: new Date(nowMs + leafDays * DAY_MS),
  });
  await folder.storeLeaf(leaf);
  return ownCertificate(leaf);
}

/** Host names and addresses that the configuration advertises, for the leaf's SAN. */
function advertisedHosts(config: RelayConfig): string[] {
  const addresses = config.advertise === "" ? config.listen : [config.advertise, ...config.listen];
  return [...new Set(addresses.map((address) => parseHostPort(address).hostname))]
    .filter((host) => host !== "::" && host !== "0.0.0.0" && host !== "");
}

function ownCertificate(leaf: Leaf): Certificate {
  return { leaf, expiresAtMs: leafExpiry(leaf).getTime(), ownRoot: true, names: [] };
}

async function operatorsCertificate(certPath: string, keyPath: string): Promise<Certificate> {
  if (certPath === "" || keyPath === "") {
    throw new QightError("config", "tls.cert and tls.key belong together: one of them is empty");
  }
  const leaf = { cert: await readPem(certPath), key: await readPem(keyPath) };
  const names = (new X509Certificate(leaf.cert).subjectAltName ?? "").split(", ")
    .map((entry) => entry.replace(/^(DNS|IP Address):/, "").toLowerCase()).filter((name) => name !== "");
  return { leaf, expiresAtMs: leafExpiry(leaf).getTime(), ownRoot: false, names };
}

async function readPem(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new QightError("config", `Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}
