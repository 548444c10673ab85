/** Selftest: a group under X-Wing: made, joined, spoken in. @module */
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { commit } from "../../crypto/mls/commit.ts";
import { createGroup } from "../../crypto/mls/create.ts";
import type { LeafOwner } from "../../crypto/mls/credential.ts";
import { joinFromWelcome } from "../../crypto/mls/join.ts";
import { makeKeyPackage } from "../../crypto/mls/key_package.ts";
import { openMessage, sealMessage } from "../../crypto/mls/message.ts";
import { DEFAULT_SUITE } from "../../crypto/mls/suite.ts";
import { QightError } from "../../proto/errors.ts";
import { type Check, ok } from "../doctor/check.ts";

const HOUR_MS = 3_600_000;

/** Two members: one makes the group and adds the other, who reads what the first one says. */
export async function checkGroup(nowMs: number): Promise<Check> {
  const [ada, bob] = [await owner(), await owner()];
  const terms = { notBeforeMs: nowMs - HOUR_MS, notAfterMs: nowMs + HOUR_MS, lastResort: false };
  const own = await makeKeyPackage(DEFAULT_SUITE, bob, terms);
  const data = { name: "selftest", creator: ada.account, admins: [], direct: null, disappearAfterS: 0 };
  const { state } = await createGroup({ suite: DEFAULT_SUITE, group: random(32), owner: ada, data, nowMs });
  const added = await commit(state, { add: [own.keyPackage], nowMs });
  const joined = await joinFromWelcome(added.welcome!, () => own, { nowMs, check: () => {} });
  const sealed = await sealMessage(added.next, new TextEncoder().encode("to the group"));
  const opened = await openMessage(joined.state, sealed.message);
  if (new TextDecoder().decode(opened.plaintext) !== "to the group") {
    throw new QightError("invariant", "What was said in a group is not what is read");
  }
  return ok("group", "A group under X-Wing was made, joined and spoken in");
}

async function owner(): Promise<LeafOwner> {
  return { account: random(32), signer: await signerFromSeed(random(32)) };
}

function random(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(bytes));
}
