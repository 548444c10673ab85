/** Blocks a contact here and at the relay, and says where the block counts. @module */
import { tellBlock } from "../client/block.ts";
import type { Contact } from "../client/contacts.ts";
import type { Participant } from "../client/participant.ts";
import type { RelayClient } from "../client/relay_client.ts";

/** Where a remark goes: to people, or only to those who want to know more. */
interface Remarks {
  note(text: string): void;
  detail(text: string): void;
}

/** Blocks, or lifts the block: here always, and at the relay where that can be done now. */
export async function blockEverywhere(
  { contacts }: Pick<Participant, "contacts">,
  name: string,
  blocked: boolean,
  connect: () => Promise<Pick<RelayClient, "rpc">>,
  remarks: Remarks,
): Promise<Contact> {
  const contact = await contacts.block(name, blocked);
  const why = await tellBlock(connect, contact.account, blocked);
  if (why?.code === "unknown_method") {
    remarks.detail("the relay knows no blocks: what they send is thrown away here, unseen");
  } else if (why) {
    const what = blocked ? "the block" : "that the block is lifted";
    remarks.note(`the relay does not know ${what} (${why.message}); the same command again tells it`);
  }
  return contact;
}
