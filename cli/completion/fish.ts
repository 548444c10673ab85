/** The completion script for fish: static tables with descriptions. @module */
import { argumentArms, type Arm, childArms, handedOn, valueArms } from "./arms.ts";
import type { Place } from "./places.ts";
import { fishQuoted } from "./quoted.ts";

/** The script for these commands. */
export function fishScript(places: readonly Place[]): string {
  return `# Completion of qight in fish, printed by: qight completion fish
# Keep it as ~/.config/fish/completions/qight.fish

# Each table gets a command and a word, "contact:show", and prints what it knows.
function __qight_child
    switch $argv[1]
${arms(childArms(places))}
    end
end

function __qight_value
    switch $argv[1]
${arms(valueArms(places, "*"))}
    end
end

function __qight_argument
    switch $argv[1]
${arms(argumentArms(places, "*"))}
    end
end

function __qight_commands
    switch $argv[1]
${lists(places, ({ children }) => children)}
    end
end

function __qight_options
    switch $argv[1]
${lists(places.slice(1), ({ flags }) => flags)}
    end
    printf '%s\\t%s\\n' ${described(places[0].flags)}
end

function __qight_offer
    switch $argv[1]
        case file
            __fish_complete_path $argv[2]
        case folder
            __fish_complete_directories $argv[2]
        case program
            __fish_complete_command
        # Names are asked from qight itself, in the folders that the line names. It asks nobody for a passphrase.
        case contacts contexts groups conversations
            qight completion --words $argv[1] $argv[3..-1] 2>/dev/null </dev/null
        case '=*'
            string split ' ' (string sub -s 2 -- $argv[1])
    end
end

function __qight_complete
    set -l tokens (commandline -opc)
    set -l typed (commandline -ct)
    set -l at ''
    set -l option ''
    set -l plain ''
    set -l asked ''
    set -l args 0
    set -l given
    set -e tokens[1]
    for word in $tokens
        if test -n "$option"
            if contains -- $option ${handedOn.join(" ")}
                set -a given $option (string replace -r '^~/' $HOME/ -- $word)
            end
            set option ''
        else if test -n "$plain"
            set args (math $args + 1)
        else if test "$word" = --
            set plain yes
        else if string match -q -- '--*=*' $word
            set -l parts (string split -m 1 = -- $word)
            if contains -- $parts[1] ${handedOn.join(" ")}
                set -a given $parts[1] (string replace -r '^~/' $HOME/ -- $parts[2])
            end
        else if string match -q -- '-?*' $word
            if test -n "$(__qight_value "$at:$word")"
                set option $word
            end
        else if test -z "$at$asked" -a "$word" = help
            set asked yes
        else
            set -l next (__qight_child "$at:$word")
            if test $args -eq 0 -a -n "$next"
                set at $next
            else
                set args (math $args + 1)
            end
        end
    end

    if test -n "$option"
        __qight_offer (__qight_value "$at:$option") "$typed" $given
    else if test -z "$plain"; and string match -q -- '--*=*' $typed
        set -l parts (string split -m 1 = -- $typed)
        set -l kind (__qight_value "$at:$parts[1]")
        for name in (__qight_offer "$kind" "$parts[2]" $given)
            echo "$parts[1]=$name"
        end
    else if test -z "$plain"; and string match -q -- '-*' $typed
        __qight_options $at
    else
        if test -z "$plain" -a $args -eq 0
            __qight_commands $at
        end
        if test -z "$asked"
            set -l number (math $args + 1)
            __qight_offer (__qight_argument "$at:$number") "$typed" $given
        end
    end
end

complete -c qight -f -a '(__qight_complete)'
`;
}

function arms(rows: readonly Arm[]): string {
  return rows.map(([patterns, meaning]) =>
    `        case ${patterns.map(fishQuoted).join(" ")}\n            echo ${fishQuoted(meaning)}`
  ).join("\n");
}

type Named = { readonly names: readonly string[]; readonly text: string };

function lists(places: readonly Place[], rows: (place: Place) => readonly Named[]): string {
  return places.filter((place) => rows(place).length > 0).map((place) =>
    `        case ${fishQuoted(place.path)}\n            printf '%s\\t%s\\n' ${described(rows(place))}`
  ).join("\n");
}

function described(rows: readonly Named[]): string {
  return rows.flatMap(({ names, text }) => names.map((name) => `${name} ${fishQuoted(text)}`)).join(" ");
}
