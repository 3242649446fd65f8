#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The same work under nothing, the kernel's balancing, numad and numabalancerd, one after another in one
# boot; judged by the oracle, by where pages lie and by what the administrator had decided. Prints a table;
# fails when a limit for numabalancerd does not hold.
# peers.sh [SECONDS [MB]]: how long each of them has, and the size of each process (numad looks at none
# below 300 MiB).
# All as they are by default, but for what emulation makes dear: numabalancerd may sample with 30 % of a
# CPU and copy with 100 %.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon
seconds=${1:-150} mb=${2:-320}
look_every=5
tools=(nothing kernel numad numabalancerd)
names=([1]=misplaced [2]=bound [3]=swapped [4]=shared)
bad=0
declare -A cell=()

write_config <<'END'
sampling:  { cpu_max_percent = 30.0; };
migration: { cpu_percent = 100; };
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
                daemon_journal -o cat >"$CASE_OUT/told.txt"
                numabalancerctl processes >"$CASE_OUT/processes.txt"
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
        *) echo - ;;
        esac
}

# ---- what they work on ----

# One whose memory is on the other node; one that its administrator bound to the other node; one with two
# threads whose halves lie on each other's node; one with two threads that use all of it.
start_work() {
        local common=(--size "${mb}M" --thp off)
        launch_victim 1 --name w-misplaced "${common[@]}" --mem-node 1 --run-node 0
        launch_victim 2 --name w-bound "${common[@]}" --bind 0 --run-node 1
        launch_victim 3 --name w-swapped "${common[@]}" --threads swapped
        launch_victim 4 --name w-shared "${common[@]}" --threads per-node --mem-node 1
        await_victims 1 2 3 4
}

# The CPUs that each thread of each of them may use.
affinities() {
        local id
        for id in "${!names[@]}"; do
                echo "$id $(sed -n 's/^Cpus_allowed_list:\t//p' /proc/"${victim_pid[$id]}"/task/*/status | xargs)"
        done
}

work_done() { # of all of them since they began
        local id
        for id in "${!names[@]}"; do
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

# Pages of one that are no longer on the node where they were.
strayed() { # ID "NODE0 NODE1" before, and now
        local was=() now=()
        read -ra was <<<"$2"
        read -ra now <<<"$3"
        echo $((was[0] > now[0] ? was[0] - now[0] : now[0] - was[0]))
}

# ---- one tool ----

# Looks at the shares until the time is over; sets cell[TOOL,ID,fixed]: seconds until it was at most 10 %
# and stayed so.
watch() { # TOOL
        local tool=$1 began=$SECONDS id share
        for id in 1 3; do
                cell[$tool,$id,fixed]=-
        done
        while ((SECONDS - began < seconds)); do
                oracle_mark look
                sleep $look_every
                for id in 1 3; do
                        share=$(oracle_share_since $id look)
                        if awk -v s="$share" 'BEGIN { exit !(s <= 10) }'; then
                                [ "${cell[$tool,$id,fixed]}" != - ] ||
                                        cell[$tool,$id,fixed]=$((SECONDS - began))
                        else
                                cell[$tool,$id,fixed]=-
                        fi
                done
        done
}

run_tool() { # TOOL
        local tool=$1 id held migrated work remote=0 accesses=0 r a
        local -A before=() remote_before=() accesses_before=()
        start_work || exit
        sleep 2
        held=$(affinities)
        read_pages "${!names[@]}"
        for id in "${!names[@]}"; do
                before[$id]=${pages[$id]}
                read -r "remote_before[$id]" "accesses_before[$id]" < <(counted "$id")
        done
        migrated=$(migrated_pages) work=$(work_done)
        start_tool "$tool" || { echo "  $tool does not start"; exit 1; }
        watch "$tool"
        cell[$tool,cpu]=$(cpu_of_tool "$tool")
        cell[$tool,work]=$(($(work_done) - work))
        cell[$tool,moved]=$(mib $(($(migrated_pages) - migrated)))
        for id in 1 3; do
                read -r r a < <(counted $id)
                remote=$((remote + r - remote_before[$id])) accesses=$((accesses + a - accesses_before[$id]))
        done
        cell[$tool,remote]=$(awk -v r=$remote -v a=$accesses 'BEGIN { printf "%.1f", 100 * r / a }')
        oracle_mark end
        sleep 5
        for id in "${!names[@]}"; do
                cell[$tool,$id,share]=$(oracle_share_since "$id" end)
        done
        freeze_victims "${!names[@]}"
        read_pages "${!names[@]}"
        for id in 2 4; do
                cell[$tool,$id,strayed]=$(mib "$(strayed $id "${before[$id]}" "${pages[$id]}")")
        done
        cell[$tool,held]=$(diff <(echo "$held") <(affinities) | grep -c '^>')
        diff <(echo "$held") <(affinities) | sed "s/^/    $tool, affinities: /"
        stop_tool "$tool"
        end_victims "${!names[@]}"
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

echo "Linux $(uname -r), ${#names[@]} processes of $mb MiB, $seconds s for each tool, emulated"
for tool in "${tools[@]}"; do
        run_tool "$tool"
done
without=${cell[nothing,work]}
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
row "work done by all processes, percent of nothing" work
row "CPU time of the tool, s" cpu
limit "misplaced: remote at the end" "${cell[numabalancerd,1,share]}" 5
limit "halves: remote at the end" "${cell[numabalancerd,3,share]}" 10
limit "used by both: MiB that changed the node" "${cell[numabalancerd,4,strayed]}" $((mb / 100))
limit "bound: MiB that left its node" "${cell[numabalancerd,2,strayed]}" 0
limit "processes whose CPUs were changed" "${cell[numabalancerd,held]}" 0
limit "remote over the whole time, against numad" "${cell[numabalancerd,remote]}" "${cell[numad,remote]}"
[ $bad -eq 0 ] && echo "all limits hold" || echo "limits were missed"
exit $bad
