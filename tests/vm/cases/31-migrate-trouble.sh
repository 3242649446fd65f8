#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The migration engine alone, with the daemon's rights: a full node, processes that end, fork and
# exec in the middle of a move, and what is not allowed.
# lab: nodes=2 mem=1G kernel=6.1,6.12 timeout=480

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_mover_drive
fast=(--cpu-percent 100)

# ---- a full node ----
free_mb() { awk '/MemFree/ { print int($4 / 1024) }' /sys/devices/system/node/node0/meminfo; }
start_victim 5 --size 96M --mem-node 1 --run-node 1 --checksum --thp off || exit
echo 3 >/proc/sys/vm/drop_caches
start_victim 6 --size $(($(free_mb) - 70))M --mem-node 0 --run-node 0 --thp off || exit
diag "free on the target: $(free_mb) MiB"
drive "${fast[@]}" "${victim_pid[5]}" 1 0
is "a full node ends the move" "$(drive_value reason)" no-memory
is "a full node: ENOMEM" "$(drive_value errno)" 12
compare "a full node: what fitted was moved" "$(drive_value moved)" ">" 0
compare "a full node: in one pass" "$(drive_value passes)" "==" 1
drive_sum_is_right "a full node"
is "a full node: memory intact" "$(victim_checksum 5)" ok
ok "nobody was killed for memory" victim_alive 6
stop_victim 6

# ---- a process that ends ----
drive --bandwidth 5M "${victim_pid[5]}" 1 0 &
sleep 3
kill -KILL "${victim_pid[5]}"
wait $!
drive_read
is "a process that ends is dropped" "$(drive_value reason)" process-gone
drive_sum_is_right "a process that ends"

# ---- fork and exec ----
# A shell with 24 MB on node 1 that does what it is told.
mkfifo /run/orders
cat >/run/shell.sh <<'END'
x=$(head -c 24M /dev/zero | tr '\0' a)
echo ready
exec 3<>/run/orders
while read -r order <&3; do
        case $order in
        fork) (while sleep 1; do :; done) & ;; # a copy that does not exec
        exec) exec sleep 100 ;;
        esac
done
END
start_shell() {
        numactl --cpunodebind=1 bash /run/shell.sh >/run/shell.log &
        shell=$!
        wait_until 60 grep -q ready /run/shell.log
}
ok "a shell with memory" start_shell
drive "${fast[@]}" --bandwidth 4M "$shell" 1 0 &
sleep 2
echo fork >/run/orders
wait $!
drive_read
is "after a fork what is shared stays" "$(drive_value reason)" "done"
compare "after a fork: shared pages" "$(drive_value shared)" ">" 1000
compare "after a fork: some were moved before" "$(drive_value moved)" ">" 1000
drive_sum_is_right "after a fork"
kill "$shell"

ok "another shell" start_shell
drive "${fast[@]}" --bandwidth 4M "$shell" 1 0 &
sleep 2
echo exec >/run/orders
wait $!
drive_read
is "exec ends the move" "$(drive_value reason)" process-gone
ok "the new program lives" kill -0 "$shell"
drive_sum_is_right "exec"
kill "$shell"

# ---- what is not allowed ----
start_victim 7 --size 16M --mem-node 1 --run-node 1 --thp off || exit
setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all \
        mover-drive "${victim_pid[7]}" 1 0 >"$CASE_OUT/drive.log"
drive_read
is "without the right to look: forbidden" "$(drive_value reason)" forbidden
stop_victim 7

systemd-run --quiet --unit=confined -p AllowedMemoryNodes=1 bash -c \
        'x=$(head -c 16M /dev/zero | tr "\0" a); exec 3<>/run/orders; read -r _ <&3'
confined=$(systemctl show -P MainPID confined)
sleep 3
if grep -q '^Mems_allowed_list:\s*1$' "/proc/$confined/status"; then
        for method in move_pages migrate_pages; do
                drive --method $method "$confined" 1 0
                is "a target outside the cpuset, $method" "$(drive_value reason)" no-target
        done
else
        not_ok "systemd confines memory nodes" "$(grep Mems_allowed_list "/proc/$confined/status")"
fi
systemctl stop confined
