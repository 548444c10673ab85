/** A yes before a step that cannot be taken back: asked for on the terminal, or given with -y. @module */
import { QightError } from "../proto/errors.ts";
import type { Settings } from "./settings.ts";
import { askLine, hasTerminal } from "./terminal.ts";

/** The step, in the words of its command. */
export interface Step {
  /** What is asked, as it stands before the cursor: "Report it? Type yes: ". */
  readonly question: string;
  /** What was not done, when the answer is another. */
  readonly refused: string;
  /** What is typed for yes; "yes" unless given. */
  readonly answer?: string;
  /** What needs a yes, for who has no terminal; "This needs a yes" unless given. */
  readonly needs?: string;
  /** How to do without a terminal. */
  readonly hint?: string;
  /** Says what the step does, above the question; not called where nobody is asked. */
  readonly explain?: () => void;
}

/** Returns after a yes or with -y; `usage` without a terminal, `not_allowed` after another answer. */
export async function wantYes(settings: Pick<Settings, "yes" | "mayAsk">, step: Step): Promise<void> {
  const { question, refused, answer = "yes", needs = "This needs a yes", hint = "Use -y if you mean it." } = step;
  if (settings.yes) return;
  if (!settings.mayAsk || !await hasTerminal()) {
    throw new QightError("usage", `${needs}, and there is no terminal to ask on`, { hint });
  }
  step.explain?.();
  if (await askLine(question) !== answer) throw new QightError("not_allowed", refused, { hint: "" });
}
