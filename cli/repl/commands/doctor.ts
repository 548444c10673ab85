/** `/doctor`: what is right on this machine and with the relay. @module */
import { checkText } from "../../doctor/check.ts";
import { escapeControls } from "../../escape.ts";
import { Output } from "../../output.ts";
import type { SlashCommand } from "../command.ts";
import { loadDoctor } from "../late.ts";

/** The checks of `qight doctor`, each with what to do. */
export const doctor: SlashCommand = {
  name: "doctor",
  summary: "check this machine and the way to the relay",
  async run(chat) {
    const { diagnose } = await loadDoctor();
    // What it would remark besides was said when the chat began, and stderr is in the way of the line being typed.
    const silent = new Output({ json: false, quiet: true, verbose: 0 });
    for await (const check of diagnose(chat.settings, silent)) {
      await chat.screen.show(escapeControls(checkText(check)));
    }
  },
};
