/** `qight group remove`: removes members with all their devices. @module */
import { QightError } from "../../proto/errors.ts";
import { eachNamed, printGroup, withGroups } from "../group_command.ts";
import { groupLine } from "../group_output.ts";
import type { Call } from "../tree/spec.ts";
import { accountOf, parseWho } from "../who.ts";

/** They read nothing that is said afterwards; oneself leaves instead. */
export async function run(call: Call): Promise<void> {
  const [name, ...words] = call.args;
  await withGroups(call, async (work) => {
    const { messenger, groups } = work;
    const { group } = await groups.find(name);
    const { members } = await groups.show(group);
    const accounts = await eachNamed(words, (word) => accountOf(parseWho(word), messenger.contacts), work, call);
    for (const [at, account] of accounts.entries()) {
      const word = words[at];
      const member = members.find((one) => one.account.toHex() === account.toHex());
      if (!member) {
        throw new QightError("no_such_recipient", `${word} is no member of #${name.replace(/^#/, "")}`, HINT);
      }
      if (member.own) {
        throw new QightError("usage", "You cannot remove yourself", { hint: `qight group leave ${name}` });
      }
    }
    await groups.remove(group, accounts);
    const view = await groups.show(group);
    await printGroup(call, view, groupLine(view));
  });
}

const HINT = { hint: "qight group members NAME lists them." };
