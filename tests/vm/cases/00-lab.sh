#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lab itself: the machine has the asked shape, and the oracle tells the truth.
# lab: nodes=2 mem=1G kernel=all timeout=180
# lab: nodes=1 kernel=6.1 mem=1G timeout=60
# lab: nodes=2 memory_node=yes kernel=6.1 mem=1G timeout=120

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh

count_online() {
        find /sys/devices/system/node -maxdepth 1 -name 'node[0-9]*' | wc -l
}

ok "oracle counts each pair of CPU and node exactly" labtool selftest
is "nodes" "$(count_online)" "$LAB_MEMORY_NODES"
is "CPUs" "$(nproc)" $((LAB_NODES * LAB_CPUS_PER_NODE))
is "systemd has no failed unit" "$(systemctl list-units --failed --no-legend)" ""
ok "services get namespaces of their own" \
        systemd-run --quiet --wait -p PrivateTmp=yes -p ProtectSystem=strict true

if [ "$LAB_NODES" -lt 2 ]; then
        start_victim 0 --size 64M --mem-node 0 --run-node 0
        compare "one node: nothing is remote" "$(oracle_share 0)" "==" 0
        exit
fi

if [ "$LAB_MEMORY_NODES" -gt "$LAB_NODES" ]; then
        is "the last node has no CPU" "$(cat /sys/devices/system/node/node"$LAB_NODES"/cpulist)" ""
        start_victim 0 --size 64M --mem-node "$LAB_NODES" --run-node 0
        compare "memory of the node without CPUs is remote" "$(oracle_share 0)" ">=" 99.9
        exit
fi

is "the kernel's own balancing is off" "$(cat /proc/sys/kernel/numa_balancing)" 0
ok "misplaced victim starts" start_victim 1 --size 256M --mem-node 1 --run-node 0 --checksum || exit
compare "misplaced victim: all accesses remote" "$(oracle_share 1)" ">=" 99.9
compare "its pages lie on node 1" "$(victim_pages 1 1)" ">=" 65536
oracle_mark before
far=$(victim_rate 1 3)
ok "migratepages" migratepages "${victim_pid[1]}" 1 0
compare "share over the move" "$(oracle_share_since 1 before)" ">" 0
compare "after migratepages: few accesses remote" "$(oracle_share 1)" "<" 5
compare "numastat agrees" "$(numastat -p "${victim_pid[1]}" | awk '/^Private/ { print $3 }')" "<" 2
compare "no page is left on node 1" "$(victim_pages 1 1)" "==" 0
is "its memory is intact" "$(victim_checksum 1)" ok
diag "work per second: $far remote, $(victim_rate 1 3) local, without a price for remote accesses"

labtool penalty 1000
start_victim 2 --size 64M --mem-node 0 --run-node 1 --pattern stream
sleep 4
far=$(victim_rate 2 3)
labtool penalty 0
sleep 4
compare "a remote access can have a price" "$(victim_rate 2 3)" ">" "$far"
oracle >"$CASE_OUT/oracle.json"
remote=$(jq '.victims["1"].remote' "$CASE_OUT/oracle.json")
compare "the oracle's JSON has the victim" "$remote" ">" 0
