#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How fast the engine is and what the process feels of it, beside migratepages(8) on the same process
# in one boot: interleaved pairs, medians. Prints a table; fails when a limit does not hold.
# migrate.sh [PAIRS [MB [FELT_MB]]]: a process of MB for throughput; one of FELT_MB to ask what it feels,
# where each move takes ten seconds or more for 256 MiB.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
pairs=${1:-5} mb=${2:-1024} felt_mb=${3:-192}
pause_ms=20
free=(--cpu-percent 100 --bandwidth 100G --pause-budget 0s)
bad=0

now_ms() {
        date +%s%3N
}

median() {
        sort -n | awk '{ v[NR] = $1 } END { if (NR) print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

percentile_99() {
        sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR * 99 + 99) / 100)] }'
}

# What migratepages takes to start and to find nothing.
launch_ms() {
        local i begin
        sleep 60 &
        for i in 1 2 3 4 5; do
                begin=$(now_ms)
                migratepages $! 1 0
                echo $(($(now_ms) - begin))
        done | median
        kill $!
}

lines() { # FILE
        [ ! -e "$1" ] || wc -l <"$1"
}

# window_begin, window_end: what victim 1 did meanwhile: worst (its worst second) and remap (p99, us).
window_begin() {
        work_line=$(lines "$CASE_OUT/victim-1.progress")
        remap_line=$(lines "$CASE_OUT/remap")
}

window_end() {
        sleep 1.2 # the second in which it ended is whole
        worst=$(tail -n +$((work_line + 1)) "$CASE_OUT/victim-1.progress" |
                awk 'NR == 1 || $3 < least { least = $3 } END { print least + 0 }')
        remap=$(tail -n +$((remap_line + 1)) "$CASE_OUT/remap" | percentile_99)
}

# Moves all pages of victim 1 to node TO; prints milliseconds (and for the engine looks at its end).
by_engine() { # TO OPTION...
        local to=$1
        shift
        drive "$@" "${victim_pid[1]}" $((1 - to)) "$to" >/dev/null
        [ "$(drive_value reason)" = "done" ] || diag "engine: $drive_result"
        ms=$(drive_value ms)
}

by_migratepages() { # TO
        local begin
        begin=$(now_ms)
        migratepages "${victim_pid[1]}" $((1 - $1)) "$1"
        ms=$(($(now_ms) - begin - launch))
}

limit() { # NAME FOUND OPERATOR WANTED
        local verdict=holds
        awk -v a="$2" -v b="$4" "BEGIN { exit !(a != \"\" && a + 0 $3 b + 0) }" || {
                verdict=MISSED
                bad=1
        }
        printf '  %-58s %10s  wanted %s %s: %s\n' "$1" "$2" "$3" "$4" $verdict
}

ratio() {
        awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b + 0 == 0) ? 0 : a / b }'
}

# throughput NAME MB: pairs with the budgets off.
throughput() {
        local name=$1 mb=$2 i inside engine=() others=() e m
        for ((i = 0; i < pairs; i++)); do
                # Both tools go both ways.
                if ((i % 2 == 0)); then
                        by_engine 0 "${free[@]}" && engine+=("$ms")
                        inside=$(drive_value busy_ms)
                        by_migratepages 1 && others+=("$ms")
                else
                        by_migratepages 0 && others+=("$ms")
                        by_engine 1 "${free[@]}" && engine+=("$ms")
                        inside=$(drive_value busy_ms)
                fi
                echo "    pair $i: engine ${engine[-1]} ms ($inside in $(drive_value calls) calls, $(drive_value moved) pages), migratepages ${others[-1]} ms"
        done
        e=$(printf '%s\n' "${engine[@]}" | median) m=$(printf '%s\n' "${others[@]}" | median)
        echo "  $name: $mb MiB: engine $e ms, migratepages $m ms"
        limit "$name: throughput, engine to migratepages" "$(ratio "$m" "$e")" ">=" 0.95
}

# felt NAME: rounds of: nothing, migratepages, the engine as it is by default.
felt() {
        local name=$1 i quiet=() others=() engine=() quiet_map=() others_map=() engine_map=()
        for ((i = 0; i < pairs; i++)); do
                window_begin
                sleep 4
                window_end
                quiet+=("$worst") quiet_map+=("$remap")
                window_begin
                by_migratepages $((i % 2))
                window_end
                others+=("$worst") others_map+=("$remap")
                # Back to where it began, and again by the engine.
                migratepages "${victim_pid[1]}" $((i % 2)) $((1 - i % 2))
                sleep 2
                window_begin
                by_engine $((i % 2)) --watch 1s
                window_end
                engine+=("$worst") engine_map+=("$remap")
                echo "    round $i: worst second ${quiet[-1]}, migratepages ${others[-1]}, engine" \
                        "${engine[-1]} ($ms ms, $(drive_value limit)); mapping p99 ${quiet_map[-1]}," \
                        "${others_map[-1]}, ${engine_map[-1]} us"
        done
        local q o e
        q=$(printf '%s\n' "${quiet[@]}" | median) o=$(printf '%s\n' "${others[@]}" | median)
        e=$(printf '%s\n' "${engine[@]}" | median)
        echo "  $name: worst second of work: $q without moves (from" \
                "$(printf '%s\n' "${quiet[@]}" | sort -n | sed -n 1p)), $o under migratepages, $e under the engine"
        limit "$name: worst second, engine to no move" "$(ratio "$e" "$q")" ">=" 0.60
        limit "$name: the same, engine to migratepages" "$(ratio "$e" "$o")" ">=" 1
        limit "$name: mapping p99 under the engine, ms" \
                "$(printf '%s\n' "${engine_map[@]}" | median | awk '{ print $1 / 1000 }')" "<" $((3 * pause_ms))
        echo "    without moves $(printf '%s\n' "${quiet_map[@]}" | median) us, under migratepages" \
                "$(printf '%s\n' "${others_map[@]}" | median) us"
}

# run KIND THP: idle and running.
run() {
        local victim=(--mem-node 1 --run-node 0 --thp "$2" --pattern pages)
        start_victim 1 --size "${mb}M" "${victim[@]}" || exit
        kill -STOP "${victim_pid[1]}"
        throughput "$1, idle" "$mb"
        kill -CONT "${victim_pid[1]}"
        throughput "$1, running" "$mb"
        stop_victim 1
        start_victim 1 --size "${felt_mb}M" "${victim[@]}" --remap "$CASE_OUT/remap" || exit
        felt "$1, running"
        stop_victim 1
}

echo "Linux $(uname -r), $pairs pairs each, emulated"
launch=$(launch_ms)
launch=${launch%.*}
echo "  migratepages: $launch ms to start, taken off"
run "4 KiB pages" off
run "huge pages" on
[ $bad -eq 0 ] && echo "all limits hold" || echo "limits were missed"
exit $bad
