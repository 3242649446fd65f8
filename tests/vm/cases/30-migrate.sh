#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The migration engine alone, with the daemon's rights: small and huge pages, limits, pages that
# somebody holds.
# lab: nodes=2 mem=1G kernel=6.1,6.12 timeout=480

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_mover_drive
fast=(--cpu-percent 100)
kernel_count() { # NAME in /proc/vmstat
        awk -v key="$1" '$1 == key { print $2 }' /proc/vmstat
}

# ---- small pages ----
start_victim 1 --size 48M --mem-node 1 --run-node 0 --checksum --thp off || exit
there=$(victim_pages 1 1)
drive "${fast[@]}" "${victim_pid[1]}" 1 0
is "small pages: done" "$(drive_value reason)" "done"
compare "small pages: all are on the target" "$(victim_pages 1 0)" ">=" "$there"
is "small pages: none stays" "$(victim_pages 1 1)" 0
is "small pages: memory intact" "$(victim_checksum 1)" ok
# A number to look at, not to judge by: the host is shared and the processor emulated.
diag "small pages: $(($(drive_value busy_ms) / $(drive_value calls))) ms a call; the budget is 20 ms"
drive_sum_is_right "small pages"
drive "${fast[@]}" "${victim_pid[1]}" 1 0
compare "a second move finds nothing of the victim" "$(drive_value moved)" "<" 64

# ---- limits ----
drive "${fast[@]}" --bandwidth 10M "${victim_pid[1]}" 0 1
compare "10 MB/s for 48 MB, ms" "$(drive_value ms)" ">=" 4300
is "the limit is told" "$(drive_value limit | grep -cE 'bandwidth|pressure')" 1
drive "${fast[@]}" --bandwidth 5M --cancel-after 1s "${victim_pid[1]}" 1 0
is "cancelled" "$(drive_value reason)" cancelled
compare "cancelled soon, ms" "$(drive_value ms)" "<" 3000
drive_sum_is_right "cancelled"
is "cancelled: memory intact" "$(victim_checksum 1)" ok
stop_victim 1

# ---- transparent huge pages ----
start_victim 2 --size 64M --mem-node 1 --run-node 0 --checksum --thp on || exit
huge_kb() { awk '/^AnonHugePages/ { print $2 }' "/proc/${victim_pid[2]}/smaps_rollup"; }
before_kb=$(huge_kb) split=$(kernel_count thp_migration_split) whole=$(kernel_count thp_migration_success)
drive "${fast[@]}" "${victim_pid[2]}" 1 0
is "huge pages: done" "$(drive_value reason)" "done"
is "huge pages: as huge as before" "$(huge_kb)" "$before_kb"
is "huge pages: none was split" "$(kernel_count thp_migration_split)" "$split"
compare "huge pages: moved whole" "$(($(kernel_count thp_migration_success) - whole))" ">=" \
        $((before_kb / 2048 - 1))
is "huge pages: none stays" "$(victim_pages 2 1)" 0
is "huge pages: memory intact" "$(victim_checksum 2)" ok
stop_victim 2

# ---- pages that somebody holds ----
hold() { # ID NAME OPTION...
        local id=$1 name=$2
        shift 2
        start_victim "$id" --size 24M --mem-node 1 --run-node 0 --checksum --thp off "$@" || return
        drive "${fast[@]}" --passes 3 --backoff 100ms "${victim_pid[$id]}" 1 0
        is "$name: a part is moved" "$(drive_value reason)" partly
        is "$name: three passes" "$(drive_value passes)" 3
        compare "$name: some stay" "$(drive_value retry)" ">" 0
        is "$name: just those stay" "$(victim_pages "$id" 1)" "$(drive_value retry)"
        drive_sum_is_right "$name"
        is "$name: memory intact" "$(victim_checksum "$id")" ok
        stop_victim "$id"
}
hold 3 "registered with io_uring" --pin-uring 10
hold 4 "in a pipe by vmsplice" --pin-vmsplice 16
