# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for numabalancerctl(1)

_numabalancerctl() {
        local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
        local verbs='status processes top why show nodes jobs history advise metrics report doctor migrate record cancel reload pause
                resume'
        local options='--json --no-ask-password --order --max --interval --count --openmetrics
                --output --from --to --no-wait --override-rules --help --version'
        local verb='' word

        case $previous in
        --order)
                mapfile -t COMPREPLY < <(compgen -W 'score remote pid' -- "$current")
                return
                ;;
        --output)
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
                return
                ;;
        --max | --interval | --count | --from | --to)
                return
                ;;
        esac
        if [[ $current == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
                return
        fi
        for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                if [[ " ${verbs//$'\n'/ } " == *" $word "* ]]; then
                        verb=$word
                fi
        done
        case $verb in
        '')
                mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$current")
                ;;
        report | record)
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
                ;;
        why | show | migrate)
                mapfile -t COMPREPLY < <(
                        compgen -W "$(numabalancerctl processes --max 200 2>/dev/null |
                                awk 'NR > 1 { print $1 }')" -- "$current")
                ;;
        cancel)
                mapfile -t COMPREPLY < <(
                        compgen -W "$(numabalancerctl jobs --max 1 2>/dev/null |
                                awk 'NR > 1 { print $1 }')" -- "$current")
                ;;
        esac
}

complete -F _numabalancerctl numabalancerctl
