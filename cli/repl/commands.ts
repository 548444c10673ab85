/** The table of slash commands; a new one is a file in commands/ and a row here. @module */
import { QightError } from "../../proto/errors.ts";
import { nearName } from "../../relay/config/near_name.ts";
import type { SlashCommand } from "./command.ts";
import { accept } from "./commands/accept.ts";
import { account } from "./commands/account.ts";
import { admin } from "./commands/admin.ts";
import { block } from "./commands/block.ts";
import { contacts } from "./commands/contacts.ts";
import { createGroup } from "./commands/create_group.ts";
import { deleteCommand } from "./commands/delete.ts";
import { deleteAccount } from "./commands/delete_account.ts";
import { devices } from "./commands/devices.ts";
import { disappear } from "./commands/disappear.ts";
import { dm } from "./commands/dm.ts";
import { doctor } from "./commands/doctor.ts";
import { download } from "./commands/download.ts";
import { edit } from "./commands/edit.ts";
import { exportCommand } from "./commands/export.ts";
import { group } from "./commands/group.ts";
import { groupInfo } from "./commands/group_info.ts";
import { help } from "./commands/help.ts";
import { historyCommand } from "./commands/history.ts";
import { invite } from "./commands/invite.ts";
import { join } from "./commands/join.ts";
import { leave } from "./commands/leave.ts";
import { link } from "./commands/link.ts";
import { list } from "./commands/list.ts";
import { members } from "./commands/members.ts";
import { mute } from "./commands/mute.ts";
import { quit } from "./commands/quit.ts";
import { react } from "./commands/react.ts";
import { recovery } from "./commands/recovery.ts";
import { remove } from "./commands/remove.ts";
import { rename } from "./commands/rename.ts";
import { reply } from "./commands/reply.ts";
import { report } from "./commands/report.ts";
import { revoke } from "./commands/revoke.ts";
import { rotateKeys } from "./commands/rotate_keys.ts";
import { sendFile } from "./commands/send_file.ts";
import { switchCommand } from "./commands/switch.ts";
import { typing } from "./commands/typing.ts";
import { typingNotify } from "./commands/typing_notify.ts";
import { updateKey } from "./commands/update_key.ts";
import { verify } from "./commands/verify.ts";
import { whoami } from "./commands/whoami.ts";

/** All slash commands, in the order of the help. */
export const commands: readonly SlashCommand[] = [
  dm,
  group,
  switchCommand,
  list,
  historyCommand,
  sendFile,
  download,
  reply,
  react,
  edit,
  deleteCommand,
  typing,
  typingNotify,
  mute,
  disappear,
  createGroup,
  invite,
  join,
  members,
  groupInfo,
  remove,
  rename,
  admin,
  leave,
  contacts,
  accept,
  verify,
  block,
  report,
  exportCommand,
  whoami,
  account,
  devices,
  link,
  revoke,
  recovery,
  deleteAccount,
  updateKey,
  rotateKeys,
  doctor,
  help,
  quit,
];

/** The command of that name or alias. */
export function commandNamed(name: string): SlashCommand | undefined {
  return commands.find((command) => command.name === name || command.aliases?.includes(name));
}

/** The name that was probably meant. */
export function nearCommand(name: string): string | null {
  return nearName(name, commands.flatMap((command) => [command.name, ...command.aliases ?? []]));
}

/** The command that is meant; `usage` for one that there is not, which names the near one, and for too few or many words. */
export function understood(name: string, words: readonly string[]): SlashCommand {
  const command = commandNamed(name);
  if (!command) {
    const near = nearCommand(name);
    throw new QightError("usage", `There is no command /${name}; nothing was sent`, {
      hint: `${near ? `Did you mean /${near}? ` : ""}/help lists them; // begins a text with a slash.`,
    });
  }
  const [fewest, most] = command.count ?? [0, 0];
  if (words.length >= fewest && words.length <= most) return command;
  throw new QightError("usage", `It is /${command.name}${command.args ? ` ${command.args}` : ""}`, {
    hint: `/help ${command.name} says more.`,
  });
}
