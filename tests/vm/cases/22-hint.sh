#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The hint source: what it says of processes that the kernel's balancing looks at but cannot move, by
# the oracle's counts; and what becomes of them when the balancing is switched off and on again.
# lab: nodes=2 mem=1G kernel=6.1 timeout=600 stage=yes
# lab: nodes=2 mem=1G kernel=6.12,7 timeout=600 stage=yes long=yes
# The daemon only observes, so that the estimate is not followed by a move.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

write_config <<'END'
mode = "observe";
sampling: { source = "hint"; rate_hz = 29; cpu_max_percent = 30.0; };
gates:    { min_age = "1s"; };
END

vmstat() { awk -v key="$1" '$1 == key { print $2 }' /proc/vmstat; }
process() { daemon_call GetProcess u "${victim_pid[$1]}" 2>/dev/null; } # ID
source_of() { process "$1" | jq -r '.[0].source.data'; }
source_is() { [ "$(source_of "$1")" = "$2" ]; }
share_of() { process "$1" | jq -r '.[0].remote_share.data * 100'; }
brings() { process "$1" | jq -e ".[0].source.data == \"hint\" and .[0].samples.data >= $2" >/dev/null; }
counter() { daemon_call GetStats | jq -r ".[0].$1.data"; }

echo 1 >/proc/sys/kernel/numa_balancing
# Short passes, so that there is much to see in little time.
scan_period_max=/sys/kernel/debug/sched/numa_balancing/scan_period_max_ms
scan_period_max_before=$(<$scan_period_max)
trap 'echo $scan_period_max_before >$scan_period_max' EXIT
echo 2000 >$scan_period_max
# Each page has one user: where threads of several nodes use the same pages, the thread that
# looks at them next after the scan gets the fault, and that is mostly the scanning one.
start_victim 1 --size 32M --mem-node 1 --mbind-sampled 1 --run-node 0 --thp off || exit
start_victim 2 --size 64M --mem-node 1 --split 50 --mbind-sampled 1 --run-node 0 --thp off || exit
start_victim 3 --size 64M --mem-node 0 --mbind-sampled 0 --run-node 1 --thp on || exit
ok "the daemon starts" start_daemon || exit
for id in 1 2 3; do
        ok "victim $id: hint faults are seen" wait_until 90 brings "$id" 3
done
# What came before the daemon started is not its own to see; what it tells is of the last evaluation.
seen=$(counter HintFaults) counted=$(vmstat numa_hint_faults)
oracle_mark begin
sleep 30
seen=$(($(counter HintFaults) - seen)) counted=$(($(vmstat numa_hint_faults) - counted))
for id in 1 2 3; do
        estimate=$(share_of $id) truth=$(oracle_share_since $id begin)
        compare "victim $id: estimate $estimate %, oracle $truth %, points apart" \
                "$(awk -v a="$estimate" -v b="$truth" \
                        'BEGIN { d = a - b; print d < 0 ? -d : d }')" "<=" 10
done
victims="1 2 3"
is "source" "$(daemon_property Source)" hint
diag "$(daemon_property SourceReason)"
compare "faults in 30 s that the kernel counts ($counted) and those seen, in percent" \
        $((counted > 0 ? 100 * seen / counted : 0)) ">=" 75
compare "no more of them than there are" "$(counter HintFaults)" "<=" "$(vmstat numa_hint_faults)"
is "none was lost" "$(counter HintFaultsLost)" 0

# ---- the balancing is switched off and on ----
echo 0 >/proc/sys/kernel/numa_balancing
ok "switched off: the residency source takes over" wait_until 20 property_is Source residency
for id in $victims; do
        ok "victim $id: residency" wait_until 30 source_is "$id" residency
done
ok "the reason is told" eval 'daemon_property SourceReason | grep -q "numa_balancing is 0"'
ok "the journal tells of it" wait_until 10 eval \
        'daemon_journal -o json | jq -se "any(.[]; .NUMABALANCER_SOURCE == \"residency\")" >/dev/null'
echo 1 >/proc/sys/kernel/numa_balancing
ok "switched on: hint faults again" wait_until 20 property_is Source hint
for id in $victims; do
        ok "victim $id: hint" wait_until 60 source_is "$id" hint
done
ok "stops cleanly" stop_daemon

# ---- a kprobe instead of fentry ----
if command -v observe-print >/dev/null; then
        # What a pass of the scanner brings first only shows that the source sees the process, so two are
        # needed; they may be half a minute apart.
        all_seen() {
                local id
                for id in $victims; do
                        grep -q "^pid ${victim_pid[$id]} .*source hint" "$CASE_OUT/kprobe.txt" || return
                done
        }
        for seconds in 8 75; do
                observe-print $seconds 29 1 hint kprobe >"$CASE_OUT/kprobe.txt" 2>&1
                ! all_seen || break
        done
        ok "kprobe: it is used" grep -q '^hint: .*kprobe' "$CASE_OUT/kprobe.txt"
        for id in $victims; do
                ok "kprobe: victim $id is seen" \
                        grep -q "^pid ${victim_pid[$id]} .*source hint" "$CASE_OUT/kprobe.txt"
        done
        diag "$(cat "$CASE_OUT/kprobe.txt")"
else
        skip "kprobe" "observe-print: the lab was given no build directory (--build)"
fi
