/**
 * A client that does one thing wrong: `client.ts LIE ARGUMENT...` (a process of its own, in the place of `qight`).
 * Everything else is the real client.
 * @module
 */
import { runCommand } from "../../../cli/run.ts";
import { Groups } from "../../../client/groups.ts";
import { GroupStates } from "../../../client/groups/states.ts";
import { QightError } from "../../../proto/errors.ts";

/** What each lie replaces; `none` is the real client, to show that the rig blames nobody without reason. */
const lies: Readonly<Record<string, () => void>> = {
  "none": () => {},
  /** A sender does not save the state after a message was sealed: the next one is sealed with the same key. */
  "forget-the-ratchet": () => {
    if (Deno.args[1] === "send") GroupStates.prototype.saveMessage = (_tables, row) => Promise.resolve(row);
  },
  /** A store that was put back from an old copy goes on as if nothing had happened. */
  "trust-an-old-copy": () => {
    Groups.prototype.healRestored = () => Promise.resolve();
  },
  /** A revoked device keeps its seat in the conversations. */
  "keep-a-lost-leaf": () => {
    Groups.prototype.removeGoneDevices = () => Promise.resolve([]);
    Groups.prototype.tend = () => Promise.resolve([]);
  },
};

const [name, ...args] = Deno.args;
const lie = lies[name];
if (!lie) throw new QightError("usage", `There is no lie ${name}; lies are ${Object.keys(lies).join(", ")}`);
lie();
Deno.exit(await runCommand(args));
