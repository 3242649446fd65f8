#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How fast the engine is and what the process feels of it, beside migratepages(8) on the same process
# in one boot: interleaved pairs, medians. Prints a table; fails when a limit does not hold.
# migrate.sh [PAIRS [MB [SLOW_MB [PART]]]]: an even number of pairs, so that both tools go each way equally
# often (of huge pages, which take a tenth of the time, twice as many). A process of MB, and of SLOW_MB
# where it is asked what it feels and a move with the default budgets takes minutes. PART: throughput or
# felt. In a machine that counts instructions (lab boot --instructions) throughput is told in these: the same
# move takes the emulator several times as long one time as the other, but nearly as many instructions.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
LC_ALL=C
pairs=$(((${1:-6} + 1) / 2 * 2)) rounds=$((pairs < 5 ? pairs : 5)) mb=${2:-1024} slow_mb=${3:-192} part=${4:-all}
pause_ms=20
settle_file=/run/settle
free=(--cpu-percent 100 --bandwidth 100G --pause-budget 0s)
bad=0 unclear=0

# Of the clock, without a process of its own, which takes as long to start as what is measured differs.
tick() {
        clock_ms=$((${EPOCHREALTIME/./} / 1000))
}

median() {
        sort -n | awk '{ v[NR] = $1 } END { if (NR) printf "%.12g\n", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# "LOW HIGH": 95 % interval of a median, by ranks (sign test); of five and six values the least and the largest.
interval() {
        sort -n | awk '{ v[NR] = $1 } END {
                k = int(NR / 2 - 0.98 * sqrt(NR) - 0.5)
                k = k < 0 ? 0 : k
                print v[k + 1], v[NR - k] }'
}

least() {
        printf '%s\n' "$@" | sort -n | sed -n 1p
}

percentile_99() {
        sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR * 99 + 99) / 100)] }'
}

# The emulator finds addresses in a table whose size follows how many of them were used of late: in a small one
# both pages of a copy would fall on the same entries. Reading much of what the kernel holds makes it large on this CPU, so
# that all that is timed begins alike. Times scatter even so (tests/vm/README.md, Traps).
settle() {
        local i
        for i in {1..8}; do
                cat "$settle_file" >/dev/null
        done
}

# What migratepages takes to start and to find nothing, as things are now.
measure_launch() {
        local i begin took=()
        sleep 600 &
        for ((i = 0; i < 15; i++)); do
                $settle
                tick && begin=$clock_ms
                migratepages $! 1 0
                tick && took+=($((clock_ms - begin)))
        done
        kill $!
        launch=$(printf '%s\n' "${took[@]}" | median)
        launch=${launch%.*}
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
        tick && begin=$clock_ms
        migratepages "${victim_pid[1]}" $((1 - $1)) "$1"
        tick && ms=$((clock_ms - begin - launch))
}

limit() { # NAME FOUND OPERATOR WANTED
        local verdict=holds
        awk -v a="$2" -v b="$4" "BEGIN { exit !(a != \"\" && a + 0 $3 b + 0) }" || {
                verdict=MISSED
                bad=1
        }
        printf '  %-58s %10s  wanted %s %s: %s\n' "$1" "$2" "$3" "$4" $verdict
}

# A ratio of times: missed only when that is beyond the noise of this run.
time_limit() { # NAME RATIO...: at least 0.95
        local name=$1 middle low high
        shift
        middle=$(printf '%s\n' "$@" | median)
        read -r low high < <(printf '%s\n' "$@" | interval)
        if awk -v m="$middle" -v h="$high" 'BEGIN { exit !(m < 0.95 && h >= 0.95) }'; then
                unclear=$((unclear + 1))
                printf '  %-58s %10s  wanted >= 0.95: lost in the noise\n' "$name ($low to $high)" "$middle"
        else
                limit "$name ($low to $high)" "$middle" ">=" 0.95
        fi
}

ratio() {
        awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b + 0 == 0) ? 0 : a / b }'
}

# counted COMMAND...: sets instructions, those of CPU 1 meanwhile.
counted() {
        local before
        before=$(labtool instructions 1)
        "$@"
        instructions=$(($(labtool instructions 1) - before))
}

millions() {
        printf '%s\n' "$@" | awk '{ printf "%s%.1f", (NR > 1 ? " " : ""), $1 / 1e6 }'
}

# What each takes for a process that has nothing to move: instructions.
counted_launch() { # COMMAND...
        local i counts=()
        sleep 600 &
        for i in {1..5}; do
                counted "$@" $! 1 0
                counts+=("$instructions")
        done
        kill $!
        printf '%s\n' "${counts[@]}" | median
}

engine_moves() { # PID FROM TO
        drive "${free[@]}" "$@" >/dev/null
}

# count_instructions NAME: both tools in turn, each way equally often.
count_instructions() {
        local name=$1 i engine=() others=() e0 m0 e m
        e0=$(counted_launch engine_moves) m0=$(counted_launch migratepages)
        for ((i = 0; i < 6; i++)); do
                if ((i % 2 == 0)); then
                        counted engine_moves "${victim_pid[1]}" 1 0 && engine+=("$instructions")
                        counted migratepages "${victim_pid[1]}" 0 1 && others+=("$instructions")
                else
                        counted migratepages "${victim_pid[1]}" 1 0 && others+=("$instructions")
                        counted engine_moves "${victim_pid[1]}" 0 1 && engine+=("$instructions")
                fi
                [ "$(drive_value reason)" = "done" ] || diag "engine: $drive_result"
        done
        e=$(printf '%s\n' "${engine[@]}" | median) m=$(printf '%s\n' "${others[@]}" | median)
        echo "  $name: $mb MiB, millions of instructions: engine $(millions "${engine[@]}"), migratepages" \
                "$(millions "${others[@]}"); to start and find nothing $(millions "$e0" "$m0"), taken off"
        limit "$name: instructions, migratepages to engine" \
                "$(awk -v e="$e" -v m="$m" -v e0="$e0" -v m0="$m0" \
                        'BEGIN { printf "%.3f", (m - m0) / (e - e0) }')" ">=" 0.95
}

# throughput NAME MB PAIRS SETTLE: with the budgets off. Each pair goes there and back, so both of its moves are
# between the same pages; who begins changes, and so does the way that each one goes. The median is that of the
# ratios within pairs.
throughput() {
        local name=$1 mb=$2 pairs=$3 settle=$4 i inside engine=() others=() ratios=() e m
        measure_launch
        echo "  $name: $mb MiB, $pairs pairs; migratepages takes $launch ms to start, taken off"
        # Not counted: the host gives the machine its memory when it is touched first.
        for i in 1 2; do
                by_engine 0 "${free[@]}"
                by_migratepages 1
        done
        for ((i = 0; i < pairs; i++)); do
                $settle
                if ((i % 2 == 0)); then
                        by_engine 0 "${free[@]}" && engine+=("$ms")
                        inside=$(drive_value busy_ms)
                        $settle
                        by_migratepages 1 && others+=("$ms")
                else
                        by_migratepages 0 && others+=("$ms")
                        $settle
                        by_engine 1 "${free[@]}" && engine+=("$ms")
                        inside=$(drive_value busy_ms)
                fi
                ratios+=("$(ratio "${others[-1]}" "${engine[-1]}")")
                echo "    pair $i: engine ${engine[-1]} ms ($inside in $(drive_value calls) calls," \
                        "$(drive_value moved) pages), migratepages ${others[-1]} ms: ${ratios[-1]}"
        done
        e=$(printf '%s\n' "${engine[@]}" | median) m=$(printf '%s\n' "${others[@]}" | median)
        echo "  $name: engine $e ms (at best $(least "${engine[@]}")), migratepages $m ms" \
                "(at best $(least "${others[@]}")); ratio of these medians $(ratio "$m" "$e")"
        time_limit "$name: speed" "${ratios[@]}"
}

# felt NAME: rounds of: nothing, migratepages, the engine as it is by default.
felt() {
        local name=$1 i quiet=() others=() engine=() quiet_map=() others_map=() engine_map=()
        for ((i = 0; i < rounds; i++)); do
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
                "$(least "${quiet[@]}")), $o under migratepages, $e under the engine"
        limit "$name: worst second, engine to no move" "$(ratio "$e" "$q")" ">=" 0.60
        limit "$name: the same, engine to migratepages" "$(ratio "$e" "$o")" ">=" 1
        limit "$name: mapping p99 under the engine, ms" \
                "$(printf '%s\n' "${engine_map[@]}" | median | awk '{ print $1 / 1000 }')" "<" $((3 * pause_ms))
        echo "    without moves $(printf '%s\n' "${quiet_map[@]}" | median) us, under migratepages" \
                "$(printf '%s\n' "${others_map[@]}" | median) us"
}

# Of small pages: before 6.3 the kernel interrupts the CPUs of the process for each one.
felt_mb() { # THP
        case $1-$(uname -r) in
        off-5.* | off-6.[0-2].*) echo "$slow_mb" ;;
        *) echo "$mb" ;;
        esac
}

# run_throughput KIND THP PAIRS: idle and running. Both tools run on the CPU that the process does not use.
run_throughput() {
        local state
        start_victim 1 --size "${mb}M" "${victim[@]}" --thp "$2" || exit
        taskset -cp 1 $$ >/dev/null
        for state in idle running; do
                [ $state = running ] || kill -STOP "${victim_pid[1]}"
                [ $state = idle ] || kill -CONT "${victim_pid[1]}"
                if [ "$LAB_INSTRUCTIONS" = yes ]; then
                        count_instructions "$1, $state"
                elif [ "$2" = on ]; then
                        throughput "$1, $state" "$mb" "$3" settle
                else
                        throughput "$1, $state" "$mb" "$3" :
                fi
        done
        taskset -cp 0,1 $$ >/dev/null
        stop_victim 1
}

run_felt() { # KIND THP
        local felt_mb
        felt_mb=$(felt_mb "$2")
        start_victim 1 --size "${felt_mb}M" "${victim[@]}" --thp "$2" --remap "$CASE_OUT/remap" || exit
        echo "  $1, running: what it feels, $felt_mb MiB, $rounds rounds"
        felt "$1, running"
        stop_victim 1
}

run() { # KIND THP PAIRS
        local victim=(--mem-node 1 --run-node 0 --pattern pages)
        [ "$part" = felt ] || run_throughput "$@"
        [ "$part" = throughput ] || [ "$LAB_INSTRUCTIONS" = yes ] || run_felt "$@"
}

head -c 64M /dev/zero >$settle_file
echo "Linux $(uname -r), emulated"
run "4 KiB pages" off "$pairs"
run "huge pages" on $((2 * pairs))
[ $unclear -eq 0 ] || echo "lost in the noise: $unclear"
[ $bad -eq 0 ] && echo "no limit is missed" || echo "limits were missed"
exit $bad
