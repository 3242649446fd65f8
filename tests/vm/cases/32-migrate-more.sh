#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Migration of memory of all kinds: swapped out, under a limit, of many processes at once, hugetlb,
# shared, of a stopped process, of one that maps all the time, by ranges; and in the daemon: retries
# until a pin is let go, and a node that is full, of processes or of files, until there is room.
# lab: nodes=2 mem=1G kernel=6.1,6.12 timeout=720 long=yes
# Copying is dear in emulation and these cases do not test the cost rule: benefit_ratio = 0.1,
# cpu_max_percent = 30.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_mover_drive
fast=(--cpu-percent 100 --backoff 200ms)
buffer() { # ID: where its buffer begins
        echo $((0x600000000000 + $1 * 0x10000000000 + 0x200000))
}
pages_per_mb=256

intact() { # ID NAME
        is "$2: memory intact" "$(victim_checksum "$1")" ok
}

# ---- ranges ----
start_victim 1 --size 32M --mem-node 1 --run-node 0 --thp off --checksum || exit
start=$(buffer 1)
printf -v first '%x-%x' $((start + (24 << 20))) $((start + (28 << 20)))
printf -v second '%x-%x' "$start" $((start + (4 << 20)))
drive "${fast[@]}" --ranges "$first,$second" "${victim_pid[1]}" 1 0
is "ranges: done" "$(drive_value reason)" "done"
is "ranges: just these" "$(drive_value moved)" $((8 * pages_per_mb))
# The marker page of its window lies where it was first touched.
compare "ranges: just these are there" "$(victim_pages 1 0)" "<=" $((8 * pages_per_mb + 16))
drive_sum_is_right "ranges"
drive "${fast[@]}" --ranges "$first" --first "${victim_pid[1]}" 1 0
is "ranges first, then the rest" "$(victim_pages 1 1)" 0
intact 1 "ranges"

# ---- a stopped process ----
kill -STOP "${victim_pid[1]}"
drive "${fast[@]}" "${victim_pid[1]}" 0 1
is "stopped: done" "$(drive_value reason)" "done"
is "stopped: all of it" "$(victim_pages 1 0)" 0
kill -CONT "${victim_pid[1]}"
intact 1 "stopped"

stop_victim 1

# ---- swapped out ----
swap=/dev/ram0
swapped_kb() { awk '/^VmSwap/ { print $2 }' "/proc/${victim_pid[2]}/status"; }
start_in_group() { # OPTION...: in a group of its own, so that all that is reclaimed there is its own
        echo +memory >/sys/fs/cgroup/cgroup.subtree_control
        mkdir -p /sys/fs/cgroup/swapped
        # shellcheck disable=SC2016
        victim_command=(bash -c 'echo $$ >/sys/fs/cgroup/swapped/cgroup.procs; exec victim "$@"' bash)
        start_victim 2 "$@"
        victim_command=(victim)
}
if ! labtool module /lab/modules/brd.ko "rd_nr=1 rd_size=65536" 2>/run/module.log; then
        skip "swapped out" "no disk in memory to swap to: $(</run/module.log)"
elif ok "a disk to swap to" wait_until 10 test -b $swap &&
        ok "swapping there" eval "mkswap $swap >/dev/null 2>&1 && swapon $swap" &&
        start_in_group --size 32M --mem-node 1 --run-node 0 --thp off --checksum; then
        kill -STOP "${victim_pid[2]}" # so that what is reclaimed stays away
        for _ in 1 2 3 4 5; do
                [ "$(swapped_kb)" -ge 8192 ] || echo 8M >/sys/fs/cgroup/swapped/memory.reclaim
        done 2>/run/reclaim.log
        before_kb=$(swapped_kb)
        compare "swapped: a part of it, kB" "$before_kb" ">=" 4096
        drive "${fast[@]}" "${victim_pid[2]}" 1 0
        is "swapped: done" "$(drive_value reason)" "done"
        is "swapped: all that is in memory" "$(victim_pages 2 1)" 0
        compare "swapped: what is on the disk stays there, kB" "$(swapped_kb)" ">=" $((before_kb - 1024))
        drive_sum_is_right "swapped"
        kill -CONT "${victim_pid[2]}"
        intact 2 "swapped"
        stop_victim 2
        swapoff $swap
fi

# ---- under a memory limit ----
# What it may use is little more than what it has: copies must not be charged twice.
systemd-run --quiet --unit=limited -p MemoryMax=26M bash -c \
        'exec /lab/bin/victim --id 2 --size 20M --mem-node 1 --run-node 0 --thp off --checksum --progress /run/p >/run/limited.log 2>&1'
if wait_until 60 grep -q ready /run/limited.log; then
        victim_pid[2]=$(systemctl show -P MainPID limited)
        drive "${fast[@]}" "${victim_pid[2]}" 1 0
        is "memory limit: done" "$(drive_value reason)" "done"
        is "memory limit: all of it" "$(victim_pages 2 1)" 0
        ok "memory limit: it lives" victim_alive 2
        kill -USR1 "${victim_pid[2]}"
        ok "memory limit: memory intact" wait_until 60 grep -q 'checksum ok' /run/limited.log
else
        not_ok "a victim under a memory limit" "$(cat /run/limited.log)"
fi
systemctl stop limited
unset "victim_pid[2]"

# ---- mapping all the time ----
start_victim 3 --size 32M --mem-node 1 --run-node 0 --thp off --checksum --remap /run/remap || exit
drive "${fast[@]}" "${victim_pid[3]}" 1 0
is "mapping all the time: done" "$(drive_value reason)" "done"
is "mapping all the time: all of it" "$(victim_pages 3 1)" 0
drive_sum_is_right "mapping all the time"
intact 3 "mapping all the time"
stop_victim 3

# ---- fifty at once ----
crowd=()
for ((i = 0; i < 50; i++)); do
        victim --id 4 --size 2M --mem-node 1 --run-node 0 --thp off --checksum \
                --progress /dev/null >"/run/crowd-$i" 2>&1 &
        crowd+=($!)
        wait_until 20 grep -qs ready "/run/crowd-$i"
        kill -STOP $!
done
is "fifty victims" "$(grep -l ready /run/crowd-* | wc -l)" 50
drive "${fast[@]}" "$(IFS=, && echo "${crowd[*]}")" 1 0
is "fifty at once: all done" "$(grep -c 'state=finished reason=done' "$CASE_OUT/drive.log")" 50
compare "fifty at once: pages" "$(tr ' ' '\n' <"$CASE_OUT/drive.log" |
        awk -F= '$1 == "moved" { n += $2 } END { print n }')" ">=" $((50 * 2 * pages_per_mb))
good=0
for ((i = 0; i < 50; i++)); do
        kill -CONT "${crowd[i]}"
        kill -USR1 "${crowd[i]}"
        wait_until 20 grep -q 'checksum ok' "/run/crowd-$i" && good=$((good + 1))
        kill -KILL "${crowd[i]}"
done
is "fifty at once: memory intact" $good 50
wait "${crowd[@]}" 2>/dev/null # their memory is needed below
diag "$(grep -h MemFree /sys/devices/system/node/node*/meminfo)"

# Page by page: migrate_pages, which small processes get, knows no kinds of memory.
fast+=(--method move_pages)

# ---- calls at the same time ----
start_victim 11 --size 48M --mem-node 1 --run-node 0 --thp off --checksum --pattern write || exit
drive "${fast[@]}" --cpu-percent 400 --pause-budget 0s "${victim_pid[11]}" 1 0
is "calls at the same time: done" "$(drive_value reason)" "done"
is "calls at the same time: all of it" "$(victim_pages 11 1)" 0
# Each list of 2048 pages goes in one part for each CPU.
compare "calls at the same time: lists go in parts" "$(drive_value calls)" ">=" $((48 * pages_per_mb / 1024))
drive_sum_is_right "calls at the same time"
intact 11 "calls at the same time"
stop_victim 11

# ---- hugetlb ----
for node in 0 1; do
        echo 12 >/sys/devices/system/node/node$node/hugepages/hugepages-2048kB/nr_hugepages
done
if start_victim 5 --size 16M --mem-node 1 --run-node 0 --hugetlb --checksum; then
        drive "${fast[@]}" "${victim_pid[5]}" 1 0
        compare "hugetlb: left alone by default" "$(victim_pages 5 1)" ">=" $((16 * pages_per_mb))
        drive "${fast[@]}" --hugetlb "${victim_pid[5]}" 1 0
        is "hugetlb: done" "$(drive_value reason)" "done"
        compare "hugetlb: counted by size" "$(drive_value moved)" ">=" $((16 * pages_per_mb))
        is "hugetlb: all of it" "$(victim_pages 5 1)" 0
        drive_sum_is_right "hugetlb"
        intact 5 "hugetlb"
        stop_victim 5
fi
echo 0 >/proc/sys/vm/nr_hugepages

# ---- shared memory and files ----
for kind in --shmem "--file /run/mapped"; do
        name=${kind%% *}
        # shellcheck disable=SC2086 # an option and its value
        start_victim 6 --size 16M --mem-node 1 --run-node 0 --thp off --checksum $kind || continue
        drive "${fast[@]}" "${victim_pid[6]}" 1 0
        compare "$name: not walked by default" "$(victim_pages 6 1)" ">=" $((16 * pages_per_mb))
        drive "${fast[@]}" --shared "${victim_pid[6]}" 1 0
        is "$name: its own is moved with move_shared" "$(victim_pages 6 1)" 0
        drive_sum_is_right "$name"
        intact 6 "$name"
        stop_victim 6
done

# Two processes: one on each node.
start_victim 7 --size 16M --mem-node 1 --run-node 0 --thp off --checksum --share-with 1 || exit
drive "${fast[@]}" --shared "${victim_pid[7]}" 1 0
is "two processes: without the capability it is done" "$(drive_value reason)" "done"
compare "two processes: what both map stays" "$(drive_value shared)" ">=" $((16 * pages_per_mb))
setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all,+sys_ptrace,+sys_nice \
        --ambient-caps=-all,+sys_ptrace,+sys_nice --bounding-set=-all,+sys_ptrace,+sys_nice \
        mover-drive "${fast[@]}" --passes 4 --shared "${victim_pid[7]}" 1 0 >"$CASE_OUT/drive.log" 2>&1
drive_read
compare "two processes: from the third pass on" "$(drive_value passes)" ">=" 3
is "two processes: all of it" "$(victim_pages 7 1)" 0
drive_sum_is_right "two processes"
intact 7 "two processes"
stop_victim 7

# ---- the daemon: a pin is let go ----
have_daemon || {
        skip "the daemon retries" "numabalancerd is not installed in the stage"
        exit
}
write_config <<'END'
sampling:  { cpu_max_percent = 30.0; };
gates:     { min_age = "1s"; min_rss = "16M"; };
migration: { benefit_ratio = 0.1; cpu_percent = 100; };
END
start_victim 8 --size 24M --mem-node 1 --run-node 1 --thp off --checksum --pin-vmsplice 16 || exit
start_daemon || exit
numabalancerctl migrate "${victim_pid[8]}" --from 1 --to 0 --no-wait >/run/order 2>&1 || diag "$(cat /run/order)"
retries() {
        # Not as a match of journalctl: after a cursor it passes over the first record that matches.
        daemon_journal -o json |
                jq -r --arg pid "${victim_pid[8]}" 'select(.NUMABALANCER_PID == $pid and
                        .MESSAGE_ID == "ced8d6f5bcf747b4912ee9190b91da56") |
                        "\(.__REALTIME_TIMESTAMP) \(.NUMABALANCER_JOB) \(.NUMABALANCER_PAGES_RETRY)"'
}
three_retries() { [ "$(retries | wc -l)" -ge 3 ]; }
ok "three retries are in the journal" wait_until 60 three_retries
retries >"$CASE_OUT/retries"
diag "$(cat "$CASE_OUT/retries")"
ok "with growing gaps" awk 'NR > 1 { gap = $1 - last; if (gap <= before * 1.2) bad = 1; before = gap }
        { last = $1 } END { exit bad || NR < 3 }' "$CASE_OUT/retries"
is "of one job" "$(awk '{ print $2 }' "$CASE_OUT/retries" | sort -u | wc -l)" 1
kill -USR2 "${victim_pid[8]}"
is_over() { [ "$(victim_pages 8 1)" -eq 0 ]; }
ok "all is moved once the pin is let go" wait_until 60 is_over
job=$(awk 'NR == 1 { print $2 }' "$CASE_OUT/retries")
told() {
        daemon_journal -o json "NUMABALANCER_JOB=$job" |
                jq -e 'select(.NUMABALANCER_REASON == "done")' >/dev/null
}
ok "the same job is told as done" wait_until 150 told
intact 8 "pin let go"
stop_victim 8

# ---- the daemon: a full node, then room ----
free_mb() { awk '/MemFree/ { print int($4 / 1024) }' /sys/devices/system/node/node0/meminfo; }
start_victim 9 --size 96M --mem-node 1 --run-node 0 --thp off --checksum || exit
echo 3 >/proc/sys/vm/drop_caches
start_victim 10 --size $(($(free_mb) - 60))M --mem-node 0 --run-node 0 --thp off || exit
diag "free on the target: $(free_mb) MiB"
kill -STOP "${victim_pid[10]}"
sleep 15
compare "a full node: most of it stays" "$(victim_pages 9 1)" ">" $((48 * pages_per_mb))
diag "$(numabalancerctl why "${victim_pid[9]}" 2>&1 | head -n 3)"
ok "nobody was killed for memory" victim_alive 10
kill -KILL "${victim_pid[10]}"
roomy() { [ "$(victim_pages 9 1)" -lt $((4 * pages_per_mb)) ]; }
ok "once there is room the daemon moves it" wait_until 100 roomy
intact 9 "a full node"
stop_victim 9

# ---- the daemon: a node full of files in memory, then room ----
mkdir -p /run/full
mount -t tmpfs -o size=100%,mpol=bind:0 none /run/full || exit
echo 3 >/proc/sys/vm/drop_caches
dd if=/dev/zero of=/run/full/file bs=1M count=$(($(free_mb) - 60)) status=none
diag "free on the target: $(free_mb) MiB"
start_victim 12 --size 96M --mem-node 1 --run-node 0 --thp off --checksum || exit
# By itself the daemon would not try.
numabalancerctl migrate "${victim_pid[12]}" --from 1 --to 0 --no-wait >/run/order 2>&1 || diag "$(cat /run/order)"
out_of_memory() {
        daemon_journal -o json | jq -e --arg pid "${victim_pid[12]}" \
                'select(.NUMABALANCER_PID == $pid and .NUMABALANCER_REASON == "no-memory")' >/dev/null
}
blocked() { daemon_call ListNodes | jq -e '[.[0][] | select(.node.data == 0 and .blocked_usec.data > 0)] | length > 0' >/dev/null; }
ok "full of files: the job ends for want of memory" wait_until 60 out_of_memory
ok "full of files: the node is blocked" wait_until 8 blocked
sleep 10
compare "full of files: most of it stays" "$(victim_pages 12 1)" ">" $((24 * pages_per_mb))
diag "$(numabalancerctl why "${victim_pid[12]}" 2>&1 | head -n 3)"
rm /run/full/file
moved_on() { [ "$(victim_pages 12 1)" -lt $((4 * pages_per_mb)) ]; }
ok "full of files: once there is room the daemon moves it" wait_until 100 moved_on
intact 12 "full of files"
stop_victim 12
umount /run/full
