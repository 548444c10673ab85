/**
 * The rows of `deno task prove`, in the order in which they run.
 * @module
 */
import { rows as accounts } from "./accounts/rows.ts";
import { checkLedgers, complaintKinds, complaints } from "./checker.ts";
import { clientKilled } from "./client_killed.ts";
import { rows as disk } from "./disk/rows.ts";
import { doctorings, honestLedger } from "./doctored.ts";
import { rows as groups } from "./groups/rows.ts";
import { rows as hostile } from "./hostile/rows.ts";
import { rows as lifecycle } from "./lifecycle/rows.ts";
import { maliciousRelay } from "./malicious/malicious_relay.ts";
import { rows as network } from "./network/rows.ts";
import { receipts } from "./receipts/receipts.ts";
import { relayKilled, relayKilledUnderLines, relayKilledUnderWire } from "./relay_killed.ts";
import type { Row } from "./row.ts";
import { sabotage } from "./sabotage/sabotage.ts";
import { syncBeforeAck } from "./sync_before_ack.ts";

/** The checker itself first: it must see through every doctored ledger. */
const checkerSees: Row = {
  name: "checker",
  property: `the checker passes an honest ledger and fails each doctored one (${complaintKinds.join(", ")})`,
  rounds: { ci: 1000, night: 1000 },
  run: ({ rounds }) => {
    const honest = checkLedgers(honestLedger(rounds));
    const missed = doctorings.filter(({ doctor, caught }) =>
      checkLedgers(doctor(honestLedger(50)))[caught].length === 0
    );
    return Promise.resolve({
      counts: { messages: honest.intents, doctored: doctorings.length, caught: doctorings.length - missed.length },
      complaints: [...complaints(honest), ...missed.map(({ name }) => `not caught: ${name}`)],
    });
  },
};

/** Every row in the order in which it runs. */
export const rows: readonly Row[] = [
  checkerSees,
  relayKilled,
  relayKilledUnderLines,
  relayKilledUnderWire,
  clientKilled,
  syncBeforeAck,
  ...lifecycle,
  ...groups,
  ...accounts,
  maliciousRelay,
  receipts,
  ...disk,
  ...hostile,
  ...network,
  sabotage,
];
