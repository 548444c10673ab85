/**
 * Whoever captured what signs devices in (logins, lists with a voucher, recoveries, session tokens) plays it back from the
 * very device and from another one, at once and after a kill: none brings a session, and nothing changes.
 * @module
 */
import { parseRelayAddress } from "../../../net/address.ts";
import { asQightError, type ErrorCode } from "../../../proto/errors.ts";
import { generateSeed, type Signer, signerFromSeed } from "../../../crypto/ed25519.ts";
import { AccountCalls } from "../../../client/account_calls.ts";
import { Folder } from "../processes.ts";
import { replayLogins } from "../hostile/captured_logins.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { connectAs } from "./account_connection.ts";
import { accountRelay } from "./account_killed.ts";
import { outcomeOf } from "./account_judge.ts";
import { AccountsOnDisk } from "./account_state.ts";
import { type Captured, CapturedAccount } from "./captured_account.ts";

/** Rounds are captured logins; to five of them belong three lists with vouchers, to ten a recovery. */
export const replayedAccounts: Row = {
  name: "replayed-accounts",
  property:
    "captured logins, vouchers, recoveries and session tokens played back by their own device and by another one, " +
    "also after kill -9, bring no session and change nothing",
  rounds: { ci: 20, night: 400 },
  run: prove,
};

const LOGINS_AN_ACCOUNT = 5;
/** Calls with recovery codes are limited to 20 an hour for an address; a relay that was started again begins to count anew. */
const ACCOUNTS_A_TIME = 4;
/** What a replay must be refused with. */
const REFUSALS: Readonly<Record<Captured["what"], readonly ErrorCode[]>> = {
  login: ["wrong_password"],
  voucher: ["login_needed", "key_changed", "not_listed", "not_allowed", "version_conflict"],
  recovery: ["login_needed", "code_unknown", "not_allowed"],
};

async function prove(size: Size): Promise<Finding> {
  using folder = new Folder();
  await using relay = new RelayProcess(folder.inside("post"), accountRelay, size.relayEntry);
  await relay.start();
  const { root } = parseRelayAddress(relay.address);
  const stranger = await signerFromSeed(generateSeed());
  const counts = { captured: 0, replayed: 0, accepted_again: 0, proofs_replayed: 0, tokens_stolen: 0 };
  const codes = new Map<string, number>();
  const complaints: string[] = [];
  const accounts = Math.ceil(size.rounds / LOGINS_AN_ACCOUNT);

  const replayAll = async (when: string, people: readonly CapturedAccount[]) => {
    for (const { captured, proofs, tokens, name } of people) {
      for (const one of captured) {
        for (const device of [one.device, stranger]) {
          const code = await played(relay.address, one, device);
          counts.replayed++;
          codes.set(`${one.what}_${code}`, (codes.get(`${one.what}_${code}`) ?? 0) + 1);
          if (REFUSALS[one.what].includes(code as ErrorCode)) continue;
          if (code === "accepted") counts.accepted_again++;
          complaints.push(`${when}: a ${one.what} of ${name} was ${code} when it was played back`);
        }
      }
      for (const [code, count] of await replayLogins(relay.address, proofs)) {
        counts.proofs_replayed += count;
        if (code !== "bad_proof") complaints.push(`${when}: ${count} proofs with tokens ended with ${code}`);
      }
      for (const [at, { token }] of tokens.entries()) {
        for (const thief of [stranger, tokens[(at + 1) % tokens.length].device]) {
          if (thief === tokens[at].device) continue;
          await using client = await connectAs(relay.address, thief, token);
          counts.tokens_stolen++;
          const code = await outcomeOf(new AccountCalls(client.relay.rpc).show());
          if (code !== "login_needed") complaints.push(`${when}: another device with a token of ${name} got ${code}`);
        }
      }
    }
  };

  for (let first = 0; first < accounts && root; first += ACCOUNTS_A_TIME) {
    const people: CapturedAccount[] = [];
    for (let n = first; n < Math.min(accounts, first + ACCOUNTS_A_TIME); n++) {
      const one = await CapturedAccount.register(relay.address, `captured-${n}`);
      for (let login = 0; login < LOGINS_AN_ACCOUNT; login++) await one.logIn();
      complaints.push(...one.strange);
      // What a second session took the place of cannot go on.
      if (one.strange.length > 0) return { counts: { ...counts }, complaints };
      for (const revoked of [false, true, false]) await one.link(revoked);
      // The other accounts' last lists are the newest ones when they are played back.
      if (n % 2 === 0) await one.recover();
      counts.captured += one.captured.length;
      people.push(one);
    }
    const before = sessionsOf(relay, people);
    await replayAll("at once", people);
    await relay.kill();
    await relay.start();
    await replayAll("after kill -9", people);
    // A session that came of a replay would be on disk.
    if (sessionsOf(relay, people) !== before) complaints.push("the replays changed sessions on disk");
    for (const { tokens, name } of people) {
      for (const { device, token } of tokens) {
        await using client = await connectAs(relay.address, device, token);
        const code = await outcomeOf(new AccountCalls(client.relay.rpc).show());
        if (code !== "ok") complaints.push(`after the replays the owner of ${name} got ${code}`);
      }
    }
    // For the next ones the limits begin anew.
    await relay.kill();
    await relay.start();
  }
  return { counts: { ...counts, ...Object.fromEntries(codes) }, complaints };
}

/** Sends it again over a fresh connection of this device; "accepted" when a session came of it. */
async function played(address: string, one: Captured, device: Signer): Promise<ErrorCode | "accepted" | "answered"> {
  await using client = await connectAs(address, device);
  try {
    return await one.play(client.relay) === "" ? "answered" : "accepted";
  } catch (thrown) {
    return asQightError(thrown).code;
  }
}

function sessionsOf({ dataDir }: RelayProcess, people: readonly CapturedAccount[]): string {
  using disk = new AccountsOnDisk(`${dataDir}/relay.db`);
  return people.map((one) => disk.tokens(one).join(" ")).join("; ");
}
