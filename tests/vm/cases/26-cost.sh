#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the daemon costs beside 1,000 processes that wake once a second and two busy ones.
# lab: nodes=2 mem=2G kernel=6.12 timeout=300 long=yes

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

# At the default rate and ceiling; a gate of nothing keeps the rate up though nothing is to be moved. In
# emulation everything is some dozen times dearer, so this only shows that nothing runs away; the limit of
# 1 % is judged on real processors (tests/bench/cost).
write_config <<'END'
mode = "observe";
gates: { min_remote_percent = 0.0; };
END
unit_cpu() { systemctl show -P CPUUsageNSec numabalancerd; }
labtool idle 1000 >"$CASE_OUT/idle.log" &
idle=$!
ok "1,000 processes sleep and wake" wait_until 60 grep -q ready "$CASE_OUT/idle.log"
start_victim 11 --size 64M --mem-node 0 --run-node 0
start_victim 12 --size 64M --mem-node 1 --run-node 1
ok "the daemon starts beside them" start_daemon
sleep 12
cpu=$(unit_cpu) start=$EPOCHREALTIME
sleep 15
cpu=$(awk -v a="$cpu" -v b="$(unit_cpu)" -v s="$start" -v e="$EPOCHREALTIME" \
        'BEGIN { printf "%.2f", (b - a) / 1e7 / (e - s) }')
compare "CPU time of the unit in percent of one CPU" "$cpu" "<" 50
compare "which is measured" "$cpu" ">" 0
sampler=$(daemon_call GetStats | jq '.[0].SamplerUSec.data')
pid=$(systemctl show -P MainPID numabalancerd)
diag "its BPF programs took $sampler us in all, its threads" \
        "$(awk '{ printf "%d ticks", $14 + $15 }' "/proc/$pid/stat") of 10 ms;" \
        "$(grep -h ^VmRSS "/proc/$pid/status" | tr -s '\t ' ' ')"
compare "its memory in MiB" "$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$pid/status")" "<" 64
kill $idle
ok "stops cleanly" stop_daemon
