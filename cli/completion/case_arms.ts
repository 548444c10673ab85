/** Arms of `case` and the function for options that are handed on, as bash and zsh read them alike. @module */
import { type Arm, handedOn } from "./arms.ts";
import { quoted } from "./quoted.ts";

/** One arm for each row, which sets the variable `name`. */
export function caseArms(rows: readonly Arm[], name: string): string {
  return rows.map(([patterns, meaning]) => `    (${patterns.map(pattern).join("|")}) ${name}=${quoted(meaning)} ;;`)
    .join("\n");
}

/** A pattern is its own text, except that a star at an end is any text. */
function pattern(text: string): string {
  if (text.startsWith("*:")) return `*${quoted(text.slice(1))}`;
  return text.endsWith(":*") ? `${quoted(text.slice(0, -1))}*` : quoted(text);
}

/** Notes an option and its value for the question for names. */
export const givenFunction = `_qight_given() {
  local value=$2
  case $1 in
    (${handedOn.join("|")})
      if [[ $value == "~/"* ]]; then value=$HOME/\${value#"~/"}; fi
      given+=("$1" "$value") ;;
  esac
}`;
