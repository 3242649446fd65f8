#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Four nodes at different distances that depend on the direction: memory goes to the node that is nearest
# from where the process runs, and to the next one when that is full.
# lab: nodes=4 mem=640M distances=10,14,30,40/28,10,20,20/12,20,10,20/40,20,20,10 kernel=6.12 timeout=240 stage=yes
# Copying and sampling are dear in emulation and this case does not test the cost rule:
# benefit_ratio = 0.1, min_age = "1s", cpu_max_percent = 30. The victims are small: min_rss = "16M".

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

write_config <<'END'
sampling:  { cpu_max_percent = 30.0; };
gates:     { min_age = "1s"; min_rss = "16M"; };
migration: { benefit_ratio = 0.1; cpu_percent = 100; };
END

free_mib() { awk '/MemFree/ { print int($4 / 1024) }' "/sys/devices/system/node/node$1/meminfo"; }
mostly_on() { # ID NODE: nine tenths of its 24 MiB
        [ "$(victim_pages "$1" "$2")" -ge 5530 ]
}

is "the kernel knows the distances from node 0" "$(cat /sys/devices/system/node/node0/distance)" \
        "10 14 30 40"
is "and those to it" "$(awk '{ print $1 }' /sys/devices/system/node/node[0-3]/distance | paste -sd ' ')" \
        "10 28 12 40"
echo 3 >/proc/sys/vm/drop_caches
# Node 0 keeps a sixteenth, 40 MiB, so it cannot take 24 MiB more.
start_victim 1 --size $(($(free_mib 0) - 44))M --mem-node 0 --run-node 0 --thp on --idle || exit
start_victim 2 --name v-second-best --size 24M --mem-node 3 --run-node 0 --thp off --checksum || exit
start_victim 3 --name v-best --size 24M --mem-node 1 --run-node 3 --thp off --checksum || exit
diag "$(numactl -H)"
ok "the daemon starts" start_daemon || exit
ok "it records" wait_until 30 numabalancerctl record "$CASE_OUT/distances.rec" 60s
ok "its own node is full: memory goes to the nearest other one" wait_until 120 mostly_on 2 1
compare "that is no way to node 0" "$(victim_pages 2 0)" "<" 64
compare "nor to node 2, from where node 0 is near" "$(victim_pages 2 2)" "<" 64
ok "one whose node has room gets it there" wait_until 120 mostly_on 3 3
for id in 2 3; do
        is "the memory of victim $id is intact" "$(victim_checksum $id)" ok
done
# While node 0 is full a page of its stack may have come to lie on node 2: that goes with the rest.
ok "the record names both nodes" wait_until 30 \
        journal_has "moved v-second-best\[${victim_pid[2]}\] (node3|nodes 2-3) to node1: "
ok "stops cleanly" stop_daemon
