/** The completion script for zsh: static tables with descriptions. @module */
import { argumentArms, childArms, valueArms } from "./arms.ts";
import { caseArms, givenFunction } from "./case_arms.ts";
import type { Place } from "./places.ts";
import { quoted } from "./quoted.ts";

/** The script for these commands; it may be sourced, or lie as `_qight` in a folder of `$fpath`. */
export function zshScript(places: readonly Place[]): string {
  return `#compdef qight
# Completion of qight in zsh, printed by: qight completion zsh
# Load it in ~/.zshrc after compinit with: source <(qight completion zsh)
# An alias called qight is completed by itself only with: setopt complete_aliases

# Each table gets a command and a word, "contact:show", and sets what it knows.
_qight_child() {
  case $1 in
${caseArms(childArms(places), "at")}
    (*) return 1 ;;
  esac
}

_qight_value() {
  case $1 in
${caseArms(valueArms(places, "*"), "kind")}
    (*) kind= ;;
  esac
}

_qight_argument() {
  case $1 in
${caseArms(argumentArms(places, "*"), "kind")}
    (*) kind= ;;
  esac
}

_qight_commands() {
  case $1 in
${lists(places, ({ children }) => children)}
    (*) list=() ;;
  esac
}

_qight_options() {
  case $1 in
${lists(places.slice(1), ({ flags }) => flags)}
    (*) list=() ;;
  esac
  list+=(${described(places[0].flags)})
}

${givenFunction}

_qight_offer() {
  local -a names
  case $1 in
    (file) _files ;;
    (folder) _files -/ ;;
    (program) _command_names -e ;;
    # Names are asked from qight itself, in the folders that the line names. It asks nobody for a passphrase.
    (contacts|contexts|groups|conversations)
      names=(\${(f)"$(qight completion --words $1 $given 2>/dev/null </dev/null)"})
      compadd -a names ;;
    (=*)
      names=(\${=1#=})
      compadd -a names ;;
  esac
}

_qight() {
  local word at= kind= option= plain= asked=
  local -a list given
  integer args=0 i
  for ((i = 2; i < CURRENT; i++)); do
    word=\${(Q)words[i]}
    if [[ -n $option ]]; then
      _qight_given "$option" "$word"
      option=
    elif [[ -n $plain ]]; then
      args+=1
    elif [[ $word == -- ]]; then
      plain=1
    elif [[ $word == --*=* ]]; then
      _qight_given "\${word%%=*}" "\${word#*=}"
    elif [[ $word == -?* ]]; then
      _qight_value "$at:$word"
      if [[ -n $kind ]]; then option=$word; fi
    elif [[ -z $at && -z $asked && $word == help ]]; then
      asked=1
    elif ((args > 0)) || ! _qight_child "$at:$word"; then
      args+=1
    fi
  done

  if [[ -n $option ]]; then
    _qight_value "$at:$option"
    _qight_offer "$kind"
  elif [[ -z $plain && $PREFIX == --*=* ]]; then
    _qight_value "$at:\${PREFIX%%=*}"
    compset -P '*='
    _qight_offer "$kind"
  elif [[ -z $plain && $PREFIX == -* ]]; then
    _qight_options "$at"
    _describe -o option list
  else
    if [[ -z $plain ]] && ((args == 0)); then
      _qight_commands "$at"
      if ((\${#list})); then _describe command list; fi
    fi
    if [[ -z $asked ]]; then
      _qight_argument "$at:$((args + 1))"
      _qight_offer "$kind"
    fi
  fi
}

# Autoloaded from $fpath the file is the function; sourced it says what it is for.
if [[ $funcstack[1] == _qight ]]; then _qight "$@"; else compdef _qight qight; fi
`;
}

type Named = { readonly names: readonly string[]; readonly text: string };

function lists(places: readonly Place[], rows: (place: Place) => readonly Named[]): string {
  return places.filter((place) => rows(place).length > 0)
    .map((place) => `    (${quoted(place.path)}) list=(${described(rows(place))}) ;;`).join("\n");
}

/** What _describe reads: `name:text`. */
function described(rows: readonly Named[]): string {
  return rows.flatMap(({ names, text }) => names.map((name) => quoted(`${name}:${text}`))).join(" ");
}
