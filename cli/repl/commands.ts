/** The table of slash commands; a new one is a file in commands/ and a row here. @module */
import { nearName } from "../../relay/config/near_name.ts";
import type { SlashCommand } from "./command.ts";
import { accept } from "./commands/accept.ts";
import { block } from "./commands/block.ts";
import { contacts } from "./commands/contacts.ts";
import { dm } from "./commands/dm.ts";
import { doctor } from "./commands/doctor.ts";
import { download } from "./commands/download.ts";
import { exportCommand } from "./commands/export.ts";
import { help } from "./commands/help.ts";
import { historyCommand } from "./commands/history.ts";
import { invite } from "./commands/invite.ts";
import { list } from "./commands/list.ts";
import { quit } from "./commands/quit.ts";
import { rotateKeys } from "./commands/rotate_keys.ts";
import { sendFile } from "./commands/send_file.ts";
import { switchCommand } from "./commands/switch.ts";
import { verify } from "./commands/verify.ts";
import { whoami } from "./commands/whoami.ts";

/** All slash commands, in the order of the help. */
export const commands: readonly SlashCommand[] = [
  dm,
  switchCommand,
  list,
  historyCommand,
  sendFile,
  download,
  contacts,
  invite,
  accept,
  verify,
  block,
  exportCommand,
  whoami,
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
