/** `/verify`: the digits that two people compare. @module */
import { QightError } from "../../../proto/errors.ts";
import { digitLines } from "../../safety_number.ts";
import { aboutOffer, accountOfDigits, accountToVerify } from "../../verification.ts";
import type { SlashCommand } from "../command.ts";

/** Shows the digits and asks, or compares the digits that were given. */
export const verify: SlashCommand = {
  name: "verify",
  args: "[name] [digits]",
  summary: "compare the 60 digits with a contact",
  more: [
    "Your contact sees the same digits with /verify or qight contact show. Compare them aloud or side by side.",
    "With digits it compares them itself. Without a name: whoever the open conversation is with.",
  ],
  words: ["contact", []],
  count: [0, 13],
  async run(chat, [name, ...given]) {
    const { contacts } = chat.messenger;
    const contact = name === undefined ? await contacts.ofAccount(await chat.openPeer()) : await contacts.get(name);
    if (!contact) {
      throw new QightError("no_such_contact", "Whoever is to be verified needs a name first", {
        hint: "/contacts add NAME names whoever the open conversation is with.",
      });
    }
    let account = accountToVerify(contact);
    if (given.length > 0) account = await accountOfDigits(chat.own, contact, given);
    else {
      const about = aboutOffer(contact, "/contacts add");
      await chat.screen.show([...about, ...await digitLines(chat.own, account)].join("\n"));
      if (!chat.settings.mayAsk) return;
      const answer = await chat.screen.ask(`Does ${contact.name} see the same digits? Type yes:`);
      if (answer?.trim() !== "yes") {
        throw new QightError("not_allowed", `"${contact.name}" was not verified`, { hint: "" });
      }
    }
    await contacts.verify(contact.name, account);
    chat.screen.note(`${contact.name} is verified`);
  },
};
