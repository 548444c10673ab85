/** `/help`: the commands, or one of them. @module */
import { QightError } from "../../../proto/errors.ts";
import type { SlashCommand } from "../command.ts";
import { commandNamed, commands, nearCommand } from "../commands.ts";

/** Reads the same rows as parsing and TAB. */
export const help: SlashCommand = {
  name: "help",
  args: "[command]",
  summary: "list the commands, or explain one",
  words: ["command"],
  count: [0, 1],
  async run(chat, [word]) {
    await chat.screen.show((word === undefined ? overview() : explained(word.replace(/^\//, ""))).join("\n"));
  },
};

function overview(): string[] {
  const rows: [string, string][] = [
    ...commands.map((command): [string, string] => [head(command), command.summary]),
    ["text", "goes to whoever is open, the name before >"],
    ["@NAME text", "goes to NAME, and so does what follows"],
    ["#NAME text", "goes to the group, and so does what follows"],
    ["//text", "sends /text"],
  ];
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`);
}

function explained(name: string): string[] {
  const command = commandNamed(name);
  if (!command) {
    const near = nearCommand(name);
    throw new QightError("usage", `There is no command /${name}`, { hint: near ? `Did you mean /${near}?` : "" });
  }
  const { aliases = [], more = [] } = command;
  const short = aliases.length > 0 ? [`  short: ${aliases.map((alias) => `/${alias}`).join(", ")}`] : [];
  return [`${head(command)}  ${command.summary}`, ...more.map((line) => `  ${line}`), ...short];
}

function head({ name, args }: SlashCommand): string {
  return `/${name}${args === undefined ? "" : ` ${args}`}`;
}
