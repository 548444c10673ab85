/**
 * Load without a relay: sealing and opening in an X-Wing group of 10, by crypto/mls and by bare ts-mls with its own
 * functions. `mls.ts MESSAGES` (a process of its own).
 * @module
 */
import {
  createApplicationMessage,
  createCommit,
  createGroup,
  decodeMlsMessage,
  defaultCapabilities,
  defaultLifetime,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  processPrivateMessage,
} from "ts-mls";
import { openMessage, sealMessage } from "../../crypto/mls/message.ts";
import { SUITE_NAMES } from "../../crypto/mls/provider.ts";
import { pad } from "../../crypto/padding.ts";
import { groupOf } from "../../tests/crypto/mls_members.ts";
import { selfCheck } from "./spawn.ts";

const MEMBERS = 10;
const messages = Number(Deno.args[0]);
const text = new TextEncoder().encode("a line of a log as it may be in a bench, about a hundred bytes");

/** How often `step` runs a second, one after the other. */
async function perSecond(step: (at: number) => Promise<void>): Promise<number> {
  const started = performance.now();
  for (let at = 0; at < messages; at++) await step(at);
  return messages / ((performance.now() - started) / 1000);
}

async function ours(): Promise<{ seal: number; open: number }> {
  const [ada, bob] = await groupOf(83, Array.from({ length: MEMBERS }, (_, n) => `member ${n}`));
  const sealed: Uint8Array[] = [];
  const seal = await perSecond(async () => {
    const { message, next } = await sealMessage(ada.state, text);
    ada.state = next;
    sealed.push(message);
  });
  const open = await perSecond(async (at) => {
    const { plaintext, next } = await openMessage(bob.state, sealed[at]);
    bob.state = next;
    selfCheck(plaintext.length === text.length, "another text came out");
  });
  return { seal, open };
}

async function bare(): Promise<{ seal: number; open: number }> {
  const suite = await getCiphersuiteImpl(getCiphersuiteFromName(SUITE_NAMES[83]));
  const people = await Promise.all(Array.from({ length: MEMBERS }, (_, n) => {
    const identity = new TextEncoder().encode(`member ${n}`);
    return generateKeyPackage({ credentialType: "basic", identity }, defaultCapabilities(), defaultLifetime, [], suite);
  }));
  const [first, ...others] = people;
  const alone = await createGroup(new Uint8Array(32), first.publicPackage, first.privatePackage, [], suite);
  const extraProposals = others.map(({ publicPackage: keyPackage }) => {
    return { proposalType: "add", add: { keyPackage } } as const;
  });
  const made = await createCommit({ state: alone, cipherSuite: suite }, { extraProposals, ratchetTreeExtension: true });
  const { publicPackage, privatePackage } = others[0];
  let ada = made.newState;
  let bob = await joinGroup(made.welcome!, publicPackage, privatePackage, emptyPskIndex, suite);
  const sealed: Uint8Array[] = [];
  const seal = await perSecond(async () => {
    const { newState, privateMessage } = await createApplicationMessage(ada, pad(text), suite);
    ada = newState;
    sealed.push(encodeMlsMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage }));
  });
  const open = await perSecond(async (at) => {
    const [message] = decodeMlsMessage(sealed[at], 0)!;
    if (message.wireformat !== "mls_private_message") throw new Error("another kind of message came out");
    const opened = await processPrivateMessage(bob, message.privateMessage, emptyPskIndex, suite);
    bob = opened.newState;
    selfCheck(opened.kind === "applicationMessage", "no message came out");
  });
  return { seal, open };
}

const [us, them] = [await ours(), await bare()];
console.log(JSON.stringify({ seal: us.seal, open: us.open, bareSeal: them.seal, bareOpen: them.open }));
