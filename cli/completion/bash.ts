/** The completion script for bash: static tables, no `eval`, no need of the package bash-completion. @module */
import { argumentArms, childArms, valueArms } from "./arms.ts";
import { caseArms, givenFunction } from "./case_arms.ts";
import type { Place } from "./places.ts";
import { quoted } from "./quoted.ts";

/** The script for these commands; it runs in bash 3.2 (macOS) too. */
export function bashScript(places: readonly Place[]): string {
  return `# Completion of qight in bash, printed by: qight completion bash
# Load it in ~/.bashrc with: source <(qight completion bash)

# Each table gets a command and a word, "contact:show", and sets what it knows.
_qight_child() {
  case $1 in
${caseArms(childArms(places), "at")}
    *) return 1 ;;
  esac
}

_qight_value() {
  case $1 in
${caseArms(valueArms(places, "*"), "kind")}
    *) kind= ;;
  esac
}

_qight_argument() {
  case $1 in
${caseArms(argumentArms(places, "*"), "kind")}
    *) kind= ;;
  esac
}

_qight_commands() {
  case $1 in
${lists(places, ({ children }) => children.flatMap(({ names }) => names))}
    *) list= ;;
  esac
}

_qight_options() {
  case $1 in
${lists(places.slice(1), ({ flags }) => flags.flatMap(({ names }) => names))}
    *) list= ;;
  esac
  list+=" ${places[0].flags.flatMap(({ names }) => names).join(" ")}"
}

# Names are asked from qight itself, in the folders that the line names. It asks nobody for a passphrase.
_qight_names() {
  qight completion --words "$1" \${given[@]+"\${given[@]}"} 2>/dev/null </dev/null
}

${givenFunction}

# Keeps the lines of stdin that begin with the word being typed. Nothing that was typed or read is expanded.
_qight_keep() {
  local line
  while IFS= read -r line; do
    if [[ -n $line && $line == "$cur"* ]]; then COMPREPLY+=("$line"); fi
  done
}

# A word that begins with # is a comment in bash: it gets a backslash.
_qight_keep_quoted() {
  local line
  cur=\${cur#\\\\}
  while IFS= read -r line; do
    if [[ -n $line && $line == "$cur"* ]]; then COMPREPLY+=("\${line/#\\#/\\\\#}"); fi
  done
}

_qight_keep_words() {
  local word
  for word in $1; do
    if [[ $word == "$cur"* ]]; then COMPREPLY+=("$word"); fi
  done
}

_qight_offer() {
  case $1 in
    # What bash does by itself with a file's name quotes it right; outside of a completion compgen has to do.
    file) compopt -o default 2>/dev/null || _qight_keep < <(compgen -f -- "$cur") ;;
    folder) compopt -o dirnames 2>/dev/null || _qight_keep < <(compgen -d -- "$cur") ;;
    program) _qight_keep < <(compgen -c -- "$cur") ;;
    contacts|contexts|groups) _qight_keep < <(_qight_names "$1") ;;
    conversations) _qight_keep_quoted < <(_qight_names "$1") ;;
    =*) _qight_keep_words "\${1#=}" ;;
  esac
}

_qight() {
  local line=\${COMP_LINE:0:COMP_POINT} gap i n=0 cur word words=() given=()
  local at= kind= list= option= args=0 plain= asked= IFS=$' \t\n'
  COMPREPLY=()
  # Bash ends words at = and : too; pieces without a gap between them are one word again.
  for ((i = 0; i < COMP_CWORD; i++)); do
    gap=\${line%%[![:space:]]*}
    line=\${line#"$gap"}
    if [[ $n -eq 0 || -n $gap ]]; then
      words[n]=\${COMP_WORDS[i]}
      n=$((n + 1))
    else
      words[n - 1]+=\${COMP_WORDS[i]}
    fi
    line=\${line#"\${COMP_WORDS[i]}"}
  done
  gap=\${line%%[![:space:]]*}
  cur=\${line#"$gap"}
  if [[ -z $gap && $n -gt 1 ]]; then
    n=$((n - 1))
    cur=\${words[n]}$cur
  fi

  for ((i = 1; i < n; i++)); do
    word=\${words[i]}
    if [[ -n $option ]]; then
      _qight_given "$option" "$word"
      option=
    elif [[ -n $plain ]]; then
      args=$((args + 1))
    elif [[ $word == -- ]]; then
      plain=1
    elif [[ $word == --*=* ]]; then
      _qight_given "\${word%%=*}" "\${word#*=}"
    elif [[ $word == -?* ]]; then
      _qight_value "$at:$word"
      if [[ -n $kind ]]; then option=$word; fi
    elif [[ -z $at && -z $asked && $word == help ]]; then
      asked=1
    elif [[ $args -gt 0 ]] || ! _qight_child "$at:$word"; then
      args=$((args + 1))
    fi
  done

  if [[ -n $option ]]; then
    _qight_value "$at:$option"
    _qight_offer "$kind"
  elif [[ -z $plain && $cur == --*=* ]]; then
    _qight_value "$at:\${cur%%=*}"
    cur=\${cur#*=}
    _qight_offer "$kind"
  elif [[ -z $plain && $cur == -* ]]; then
    _qight_options "$at"
    _qight_keep_words "$list"
  else
    if [[ -z $plain && $args -eq 0 ]]; then
      _qight_commands "$at"
      _qight_keep_words "$list"
    fi
    if [[ -z $asked ]]; then
      _qight_argument "$at:$((args + 1))"
      _qight_offer "$kind"
    fi
  fi
}

complete -F _qight qight
`;
}

function lists(places: readonly Place[], names: (place: Place) => readonly string[]): string {
  return places.filter((place) => names(place).length > 0)
    .map((place) => `    ${quoted(place.path)}) list=${quoted(names(place).join(" "))} ;;`).join("\n");
}
