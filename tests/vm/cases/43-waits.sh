#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the policy waits for, and whom it prefers: a full node, room for one of two, a move that does not
# pay yet; and processes too short-lived to look at.
# lab: nodes=2 mem=2G kernel=6.12 timeout=600 stage=yes
# Copying and sampling are dear in emulation: benefit_ratio = 0.1, min_age = "1s", cpu_max_percent = 30, but
# for the last part, which is about the defaults of the first two.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

record() { numabalancerctl record "$CASE_OUT/$1.rec" 10min; }

# ---- a full node, then room for one of two ----

# What the policy counts as available on node 0, in MiB.
room_mib() {
        local free_kb high_pages
        free_kb=$(awk '/MemFree|Inactive\(file\)/ { kb += $4 } END { print kb }' \
                /sys/devices/system/node/node0/meminfo)
        high_pages=$(awk '/^Node/ { node = $2 } node == "0," && $1 == "high" { n += $2 }
                END { print n }' /proc/zoneinfo)
        echo $((free_kb / 1024 - high_pages / 256))
}
keep_mib=$(awk '/MemTotal/ { print int($4 / 1024 / 16) }' /sys/devices/system/node/node0/meminfo)

# The same work on twice the memory: the gain is the same, the cost is twice as high.
start_victim 1 --name v-small --size 96M --mem-node 1 --run-node 0 --thp off --checksum || exit
start_victim 2 --name v-large --size 192M --mem-node 1 --run-node 0 --thp off --checksum || exit
freeze_victims 1 2
echo 3 >/proc/sys/vm/drop_caches
# Each needs 1.25 times its size and what the node keeps: there will be room for either, not for both.
for_one=$((192 * 5 / 4 + keep_mib + 48))
fill=$(($(room_mib) - for_one))
start_victim 3 --size ${fill}M --mem-node 0 --run-node 0 --thp on --idle || exit
start_victim 4 --size $((for_one - keep_mib - 40))M --mem-node 0 --run-node 0 --thp on --idle || exit
diag "node 0 has $(room_mib) MiB and keeps $keep_mib"
write_config <<'END'
sampling:  { cpu_max_percent = 30.0; };
gates:     { min_age = "1s"; };
migration: { benefit_ratio = 0.1; cpu_percent = 100; };
END
ok "the daemon starts" start_daemon || exit
thaw_victims 1 2
record full
wanted=([1]="node-full candidate" [2]="node-full candidate")
await_verdicts 120
for id in 1 2; do
        is "a full node: the reason of victim $id" "${found[$id]}" "${wanted[$id]}"
done
ok "a full node: why tells what it needs" why_says 1 "node0 would have to have"
diag "$why"
is "a full node: nothing is moved" "$(daemon_property PagesMoved)" 0
end_victims 4
seconds=$(wait_for_share 1 5 120)
compare "room for one: the better one is moved" "${seconds:-none}" "<" 120
diag "node 0 has $(room_mib) MiB"
unset 'wanted[1]'
ok "room for one: the other one still waits" await_verdicts 60
compare "room for one: its pages lie where they were" "$(victim_pages 2 1)" ">=" 49152
end_victims 3
seconds=$(wait_for_share 2 5 120)
compare "room for both: it is moved as well" "${seconds:-none}" "<" 120
for id in 1 2; do
        is "room for both: the memory of victim $id is intact" "$(victim_checksum $id)" ok
done
ok "stops cleanly" stop_daemon
end_victims 1 2

# ---- the defaults: young, then waiting until the move pays; beside it short-lived processes ----

write_config <<'END'
sampling:  { cpu_max_percent = 30.0; };
migration: { cpu_percent = 100; };
END
short_lived() {
        while :; do
                victim --id 13 --name v-short-lived --size 80M --mem-node 0 --run-node 1 \
                        --exit-after 1 >/dev/null 2>&1
                echo >>"$CASE_OUT/short-lived"
        done
}
ok "the daemon starts with the defaults" start_daemon || exit
record defaults
short_lived &
launch_victim 1 --name v-waiting --size 512M --mem-node 1 --run-node 0 --thp off
ok "the defaults: it is too young" why_says 1 \
        'will be judged at an age of 10 s (gates.min_age)'
diag "$why"
await_victims 1 || exit
waits() {
        why_says 1 'times the cost, 2.0 times are needed (migration.benefit_ratio). That is reached in ' &&
                [ "$(daemon_property MigrationsStarted)" = 0 ]
}
ok "the defaults: why tells what it waits for, and for how long" wait_until 60 waits
diag "$why"
job_begins() { [ "$(daemon_property MigrationsStarted)" -ge 1 ]; }
ok "the defaults: when it pays, it is moved" wait_until 120 job_begins
compare "short-lived processes" "$(wc -l <"$CASE_OUT/short-lived")" ">=" 3
is "short-lived processes: none is moved" "$(daemon_call ListJobs |
        jq --argjson pid "${victim_pid[1]}" '[.[0][] | select(.pid.data != $pid)] | length') \
$(daemon_property MigrationsStarted)" "0 1"
compare "short-lived processes: the tables stay small" "$(daemon_property ProcessesTracked)" "<" 50
is "short-lived processes: nothing is dropped" \
        "$(daemon_call GetStats | jq '.[0].ProcessesDropped.data')" 0
# Not judged at its end: that would cost emulated time and show nothing new.
end_victims 1
ok "stops cleanly" stop_daemon
