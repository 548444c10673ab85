/**
 * What the relay reads of MLS messages, each with a valid sample to damage.
 * @module
 */
import { commitHeader, groupInfoHeader, keyPackageSuite, readHeader, welcomeSuite } from "../../crypto/mls/header.ts";
import { externalCommit, groupInfo, keyPackage, privateMessage, welcome } from "../helpers/mls_bytes.ts";
import type { Decoder } from "./fuzz.ts";
import { damage } from "./seeded.ts";

const group = new Uint8Array(32).fill(7);
const of = (what: string, samples: readonly Uint8Array[], read: (bytes: Uint8Array) => unknown): Decoder => ({
  what,
  codes: ["bad_group_message"],
  decode: (chance) => read(damage(samples[chance(samples.length)], chance)),
});

/** The readers of crypto/mls/header.ts. */
export const mlsHeaders: readonly Decoder[] = [
  of("headers of MLS messages", [privateMessage(group, 5), privateMessage(group, 2 ** 45, { size: 20 })], readHeader),
  of("headers of commits", [privateMessage(group, 5, { contentType: 3 }), externalCommit(group, 5)], commitHeader),
  of("headers of GroupInfos", [groupInfo(group, 5), groupInfo(group, 0, { size: 100 })], groupInfoHeader),
  of("headers of Welcomes", [welcome(), welcome({ size: 10 })], welcomeSuite),
  of("headers of KeyPackages", [keyPackage()], keyPackageSuite),
];
