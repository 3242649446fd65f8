#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the policy never moves, and the reason that it tells; judged by where the pages lie and by the
# oracle.
# lab: nodes=2 mem=2G kernel=6.12 timeout=900 stage=yes
# lab: nodes=2 mem=2G kernel=6.1 timeout=900 stage=yes long=yes
# Copying and sampling are dear in emulation and this case does not test the cost rule:
# benefit_ratio = 0.1, min_age = "1s", cpu_max_percent = 30. The victims are small, and many share two
# CPUs: min_rss = "16M", min_stall = "2ms".

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

config() { # MODE
        write_config <<END
mode = "$1";
sampling:  { cpu_max_percent = 30.0; };
gates:     { min_age = "1s"; min_rss = "16M"; min_stall = "2ms"; };
migration: { benefit_ratio = 0.1; cpu_percent = 100; };
rules = ( { comm = "v-rule-off"; mode = "off"; }, { comm = "v-rule-observe"; mode = "observe"; } );
END
}

record() { numabalancerctl record "$CASE_OUT/$1.rec" 10min; }

# ---- what is never moved: one of each, all misplaced alike, and one that nothing holds ----

small=(--size 24M --thp off)
from_node0=("${small[@]}" --mem-node 1 --run-node 0)
from_node1=("${small[@]}" --mem-node 0 --run-node 1)

# First the one in a unit of its own: systemd turns the cpuset controller on for it, which before Linux 6.2
# makes all processes forget which CPUs they asked for.
victim_command=(systemd-run --quiet --scope --unit=confined -p AllowedMemoryNodes=1 victim)
launch_victim 5 --name v-cpuset "${from_node0[@]}"
victim_command=(victim)
await_victims 5 || exit
freeze_victims 5
launch_victim 1 --name v-free "${from_node0[@]}" --checksum
launch_victim 2 --name v-membind "${from_node0[@]}" --bind 1
launch_victim 3 --name v-mbind "${from_node0[@]}" --mbind 1
launch_victim 4 --name v-io-uring "${from_node0[@]}" --pin-uring 80
launch_victim 6 --name v-interleave "${from_node1[@]}" --interleave
launch_victim 7 --name v-mlock "${from_node1[@]}" --mlock
launch_victim 8 --name v-realtime "${from_node1[@]}"
launch_victim 9 --name v-rule-off "${from_node1[@]}"
launch_victim 10 --name v-rule-observe "${from_node1[@]}"
launch_victim 11 --name v-hopping "${small[@]}" --mem-node 0 --run-node 0 --hop 3
for id in {1..11}; do
        await_victims "$id" || exit
        freeze_victims "$id"
done
ok "the free one is held to its CPU" \
        grep -qxF $'Cpus_allowed_list:\t0' /proc/"${victim_pid[1]}"/task/*/status
# Its thread that only waits; the one that works must not stop the others of its CPU.
ok "a thread gets a real-time class" chrt --rr -p 1 "${victim_pid[8]}"

# What a rule leaves alone is not even sampled, so it never passes the gates.
wanted=(
        [2]="task-policy candidate" [3]="vma-policy candidate" [4]="pinned candidate"
        [5]="cpuset watched" [6]="task-policy candidate" [7]="locked candidate"
        [8]="realtime candidate" [9]="rule watched" [10]="observed candidate"
)
declare -A sentence=(
        [2]="explicit memory policy (numactl" [3]="explicit memory policy (mbind)"
        [4]="pinned a quarter or more of its memory" [5]="confined by its cpuset to one memory node"
        [6]="explicit memory policy (numactl" [7]="has locked memory" [8]="real-time scheduling class"
        [9]="excluded by a rule" [10]="mode or a rule says observe"
)
declare -A what=(
        [2]=membind [3]=mbind [4]="memory registered with io_uring" [5]="cpuset of one node"
        [6]=interleave [7]=mlock [8]="real-time class" [9]="rule off" [10]="rule observe"
)
held=(10 {2..9})
read_pages {1..11}
declare -A before=()
for id in {1..11}; do
        before[$id]=${pages[$id]}
done
compare "the free one lies on node 1" "${before[1]#* }" ">=" 6144
compare "the confined one lies on node 1" "${before[5]#* }" ">=" 6144
compare "the interleaved one lies on both nodes" "${before[6]% *}" ">=" 3000

config observe
ok "the daemon starts in mode observe" start_daemon || exit
thaw_victims {1..11}
record observed
wanted[1]="observed candidate"
await_verdicts 240
is "mode observe: the free one would be moved" "${found[1]}" "${wanted[1]}"
for id in "${held[@]}"; do
        is "${what[$id]}: the reason" "${found[$id]}" "${wanted[$id]}"
done
ok "mode observe: the journal says what would be done" wait_until 30 \
        journal_has "would move v-free\[${victim_pid[1]}\] "
ok "rule observe: the same" wait_until 30 journal_has "would move v-rule-observe\[${victim_pid[10]}\] "
is "mode observe: no page is moved" "$(daemon_property PagesMoved)" 0
read_pages 1
is "mode observe: the free one stays" "${pages[1]}" "${before[1]}"

config act
freeze_victims 1 # so that its move is in the recording
ok "reload with mode act" systemctl reload numabalancerd
record held
oracle_mark act
thaw_victims 1
seconds=$(wait_for_share 1 5 120)
compare "the free one is moved" "${seconds:-none}" "<" 120
is "its memory is intact" "$(victim_checksum 1)" ok
unset 'wanted[1]'
# Longer than three hops, and long enough to move each of them.
sleep 10
await_verdicts 60
freeze_victims {2..11}
read_pages {1..11}
for id in "${held[@]}"; do
        is "${what[$id]}: no page is moved" "${pages[$id]}" "${before[$id]}"
        is "${what[$id]}: the reason afterwards" "${found[$id]}" "${wanted[$id]}"
        ok "${what[$id]}: why tells it" wait_until 20 why_says "$id" "${sentence[$id]}"
        low=90
        [ "$id" -ne 6 ] || low=40
        compare "${what[$id]}: its remote share is what it was" "$(oracle_share_since "$id" act)" \
                ">=" $low
done
# A cool-down of 60 s: one move at most.
compare "the hopping one is not chased, moves" \
        "$(daemon_journal -o cat | grep -c "^moved v-hopping")" "<=" 1
ok "the hopping one: the reason is told" why_says 11 v-hopping
diag "$why"
end_victims {1..11}
ok "stops cleanly" stop_daemon
