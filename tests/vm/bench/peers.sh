#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The same work under nothing, the kernel's balancing, numad and numabalancerd, one after another in one
# boot; judged by the oracle, by where pages lie and by what the administrator had decided. Prints a table;
# fails when a limit for numabalancerd does not hold.
# peers.sh [SECONDS [MB [TOOL...]]]: how long each tool has for each pair of processes, and the size of a
# process (numad looks at none below 300 MiB, and at none that uses less than half a CPU).
# All as they are by default, but for what emulation makes dear: numabalancerd may sample with 30 % of a
# CPU, copy with 100 %, and a move need not pay (benefit_ratio = 0.1), for copying costs 10 to 30 times what it
# costs on hardware. A remote access costs --penalty more, so that work done tells what was won.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon
seconds=${1:-90} mb=${2:-320}
tools=("${@:3}")
[ ${#tools[@]} -gt 0 ] || tools=(nothing kernel numad numabalancerd)
look_every=5
bad=0
declare -A cell=()

write_config <<'END'
sampling:  { cpu_max_percent = 30.0; };
migration: { cpu_percent = 100; benefit_ratio = 0.1; };
END

# ---- the tools ----

start_tool() { # TOOL
        case $1 in
        kernel) echo 1 >/proc/sys/kernel/numa_balancing ;;
        numad) numad && wait_until 10 pgrep -x numad >/dev/null ;;
        numabalancerd) start_daemon ;;
        esac
}

stop_tool() {
        case $1 in
        kernel) echo 0 >/proc/sys/kernel/numa_balancing ;;
        numad)
                cp /var/log/numad.log "$CASE_OUT/" 2>/dev/null
                pkill -x numad && wait_until 20 eval '! pgrep -x numad >/dev/null'
                ;;
        numabalancerd)
                daemon_journal -o cat >"$CASE_OUT/told-$SECONDS.txt"
                stop_daemon
                ;;
        esac
}

# What its process used, in seconds; the kernel's balancing has none, it works in those that it moves.
cpu_of_tool() {
        case $1 in
        numad) awk '{ print ($14 + $15) / 100 }' "/proc/$(pgrep -x numad)/stat" ;;
        numabalancerd) awk '/^usage_usec/ { print $2 / 1e6 }' \
                "/sys/fs/cgroup$(systemctl show -P ControlGroup numabalancerd)/cpu.stat" ;;
        *) echo 0 ;;
        esac
}

# ---- what they work on ----

# Two pairs, each after the other, so that each process has half of the CPUs.
# First: one whose memory is on the other node; one that its administrator bound to the other node.
# Then: one with two threads whose halves lie on each other's node; one with two threads that use all of it.
start_pair() { # FIRST SECOND
        local common=(--size "${mb}M" --thp off)
        case $1 in
        1)
                launch_victim 1 --name w-misplaced "${common[@]}" --mem-node 1 --run-node 0
                launch_victim 2 --name w-bound "${common[@]}" --bind 0 --run-node 1
                ;;
        3)
                launch_victim 3 --name w-swapped "${common[@]}" --threads swapped
                launch_victim 4 --name w-shared "${common[@]}" --threads per-node --mem-node 1
                ;;
        esac
        await_victims "$@"
}

# The CPUs that each thread of each of them may use.
affinities() { # ID...
        local id
        for id; do
                echo "$id: $(sed -n 's/^Cpus_allowed_list:\t//p' /proc/"${victim_pid[$id]}"/task/*/status | xargs)"
        done
}

work_done() { # ID...: since they began
        local id
        for id; do
                tail -n 1 "$CASE_OUT/victim-$id.progress"
        done | awk '{ n += $2 } END { print n }'
}

migrated_pages() {
        awk '$1 == "pgmigrate_success" { print $2 }' /proc/vmstat
}

# "REMOTE ACCESSES" of one since boot
counted() { # ID
        oracle | jq -r --arg id "$1" '.victims[$id] | "\(.remote) \(.accesses)"'
}

mib() { # PAGES
        awk -v n="$1" 'BEGIN { printf "%.0f", n / 256 }'
}

# Pages that are no longer on the node where they were.
strayed() { # "NODE0 NODE1" before, and now
        local was=() now=()
        read -ra was <<<"$1"
        read -ra now <<<"$2"
        echo $((was[0] > now[0] ? was[0] - now[0] : now[0] - was[0]))
}

# ---- one tool ----

add() { # KEY NUMBER
        cell[$1]=$(awk -v a="${cell[$1]:-0}" -v b="$2" 'BEGIN { printf "%.10g", a + b }')
}

# Looks at the share of one until the time is over; sets cell[TOOL,ID,fixed]: seconds until it was at most
# 10 % and stayed so.
watch_share() { # TOOL ID
        local began=$SECONDS share
        cell[$1,$2,fixed]=-
        while ((SECONDS - began < seconds)); do
                oracle_mark look
                sleep $look_every
                share=$(oracle_share_since "$2" look)
                if awk -v s="$share" 'BEGIN { exit !(s == "" || s > 10) }'; then
                        cell[$1,$2,fixed]=-
                elif [ "${cell[$1,$2,fixed]}" = - ]; then
                        cell[$1,$2,fixed]=$((SECONDS - began))
                fi
        done
}

# What can be mended is FIRST; SECOND is to be left as it is.
run_pair() { # TOOL FIRST SECOND
        local tool=$1 first=$2 second=$3 held migrated work r0 a0 r a was
        start_pair "$first" "$second" || exit
        sleep 2
        held=$(affinities "$first" "$second")
        read_pages "$second"
        was=${pages[$second]}
        read -r r0 a0 < <(counted "$first")
        migrated=$(migrated_pages) work=$(work_done "$first" "$second")
        start_tool "$tool" || { echo "  $tool does not start"; exit 1; }
        watch_share "$tool" "$first"
        add "$tool,cpu" "$(cpu_of_tool "$tool")"
        add "$tool,work" $(($(work_done "$first" "$second") - work))
        add "$tool,moved" "$(mib $(($(migrated_pages) - migrated)))"
        read -r r a < <(counted "$first")
        add "$tool,remote" $((r - r0))
        add "$tool,accesses" $((a - a0))
        oracle_mark end
        sleep 5
        cell[$tool,$first,share]=$(oracle_share_since "$first" end)
        [ "$tool" != numabalancerd ] ||
                numabalancerctl why "${victim_pid[$first]}" | sed 's/^/    why at the end: /'
        freeze_victims "$first" "$second"
        read_pages "$second"
        cell[$tool,$second,strayed]=$(mib "$(strayed "$was" "${pages[$second]}")")
        add "$tool,held" "$(diff <(echo "$held") <(affinities "$first" "$second") | grep -c '^>')"
        diff <(echo "$held") <(affinities "$first" "$second") | sed -n "s/^[<>]/    CPUs under $tool: &/p"
        stop_tool "$tool"
        end_victims "$first" "$second"
}

# ---- what came of it ----

row() { # NAME KEY
        local tool
        printf '  %-58s' "$1"
        for tool in "${tools[@]}"; do
                printf ' %14s' "${cell[$tool,$2]:--}"
        done
        echo
}

limit() { # NAME FOUND WANTED: at most so much
        local verdict=holds
        awk -v a="$2" -v b="$3" 'BEGIN { exit !(a != "" && a != "-" && a + 0 <= b + 0) }' || {
                verdict=MISSED
                bad=1
        }
        printf '  %-58s %10s  wanted <= %s: %s\n' "$1" "$2" "$3" $verdict
}

echo "Linux $(uname -r), processes of $mb MiB, $seconds s for each tool and pair, $LAB_PENALTY ns more for a" \
        "remote access, emulated"
for tool in "${tools[@]}"; do
        run_pair "$tool" 1 2
        run_pair "$tool" 3 4
        cell[$tool,remote]=$(awk -v r="${cell[$tool,remote]}" -v a="${cell[$tool,accesses]}" \
                'BEGIN { printf "%.1f", 100 * r / a }')
done
without=${cell[${tools[0]},work]}
for tool in "${tools[@]}"; do
        cell[$tool,work]=$(awk -v a="${cell[$tool,work]}" -v b="$without" 'BEGIN { printf "%.0f", 100 * a / b }')
done
printf '  %-58s' ""
printf ' %14s' "${tools[@]}"
echo
row "misplaced process: remote accesses at the end, percent" 1,share
row "  seconds until they were 10 percent" 1,fixed
row "halves on each other's node: remote at the end, percent" 3,share
row "  seconds until they were 10 percent" 3,fixed
row "both: remote accesses over the whole time, percent" remote
row "used by both nodes: MiB that changed the node" 4,strayed
row "bound by its administrator: MiB that left its node" 2,strayed
row "processes whose CPUs were changed" held
row "moved in all, MiB" moved
row "work done by all processes, percent of ${tools[0]}" work
row "CPU time of the tool's process, s" cpu
[[ " ${tools[*]} " == *" numabalancerd "* ]] || exit 0
limit "misplaced: remote at the end" "${cell[numabalancerd,1,share]}" 5
limit "halves: remote at the end" "${cell[numabalancerd,3,share]}" 10
limit "used by both: MiB that changed the node" "${cell[numabalancerd,4,strayed]}" $((mb / 100))
limit "bound: MiB that left its node" "${cell[numabalancerd,2,strayed]}" 0
limit "processes whose CPUs were changed" "${cell[numabalancerd,held]}" 0
sed 's/^/    told: /' "$CASE_OUT"/told-*.txt 2>/dev/null | grep -aE 'w-(misplaced|swapped)' | cut -c1-200
[ $bad -eq 0 ] && echo "all limits hold" || echo "limits were missed"
exit $bad
