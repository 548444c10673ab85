/** `qight group remove`: removes members with all their devices. @module */
import { QightError } from "../../proto/errors.ts";
import { printGroup, withGroups } from "../group_command.ts";
import { groupLine } from "../group_output.ts";
import type { Call } from "../tree/spec.ts";
import { accountOf, parseWho } from "../who.ts";

/** They read nothing that is said afterwards; oneself leaves instead. */
export async function run(call: Call): Promise<void> {
  const [name, ...words] = call.args;
  await withGroups(call, async ({ messenger, groups }) => {
    const { group } = await groups.find(name);
    const { members } = await groups.show(group);
    const accounts = [];
    for (const word of words) {
      const account = await accountOf(parseWho(word), messenger.contacts);
      const member = members.find((one) => one.account.toHex() === account.toHex());
      if (!member) {
        throw new QightError("no_such_recipient", `${word} is no member of #${name.replace(/^#/, "")}`, HINT);
      }
      if (member.own) {
        throw new QightError("usage", "You cannot remove yourself", { hint: `qight group leave ${name}` });
      }
      accounts.push(account);
    }
    await groups.remove(group, accounts);
    const view = await groups.show(group);
    await printGroup(call, view, groupLine(view));
  });
}

const HINT = { hint: "qight group members NAME lists them." };
