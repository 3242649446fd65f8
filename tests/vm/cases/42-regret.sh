#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Five minutes with all kinds of processes at once: is what can be mended mended, and is nothing moved in
# vain? Judged by the oracle's counts against a window before the daemon starts.
# lab: nodes=2 mem=2G kernel=6.12 timeout=560 stage=yes long=yes
# Copying and sampling are dear in emulation and this case does not test the cost rule:
# benefit_ratio = 0.1, min_age = "1s", cpu_max_percent = 30.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

control_seconds=30
run_seconds=300

write_config <<'END'
sampling:  { cpu_max_percent = 30.0; };
gates:     { min_age = "1s"; };
migration: { benefit_ratio = 0.1; cpu_percent = 100; };
END

# Two misplaced, two well placed, one pair of processes that shares, one that hops, twenty idle.
launch_victim 1 --name v-misplaced-1 --size 128M --mem-node 1 --run-node 0 --checksum --thp off
launch_victim 2 --name v-misplaced-2 --size 128M --mem-node 0 --run-node 1 --pattern mix=20 --checksum --thp off
launch_victim 3 --name v-well-placed-3 --size 96M --mem-node 0 --run-node 0 --thp off
launch_victim 4 --name v-well-placed-4 --size 96M --mem-node 1 --run-node 1 --thp off
launch_victim 5 --name v-shared --size 96M --mem-node 0 --run-node 0 --share-with 1
launch_victim 6 --name v-hopping --size 96M --mem-node 0 --run-node 0 --hop 3 --thp off
idle=()
for ((i = 0; i < 20; i++)); do
        victim --id 7 --name v-idle --size 4M --mem-node 1 --run-node 0 --idle >/dev/null 2>&1 &
        idle+=($!)
done
await_victims {1..6} || exit

# What the oracle counted of the two misplaced ones since a state of it: "remote accesses".
counted_since() { # STATE
        jq -nr --argjson a "$1" --argjson b "$(oracle)" \
                'def n($o; $k): [$o.victims["1", "2"][$k]] | add;
                "\(n($b; "remote") - n($a; "remote")) \(n($b; "accesses") - n($a; "accesses"))"'
}

declare -A placed=()
read_pages {1..6}
for id in {1..6}; do
        placed[$id]=${pages[$id]}
done
state=$(oracle)
sleep $control_seconds
read -r control_remote control_accesses < <(counted_since "$state")
compare "before: of the accesses of the misplaced ones are remote, percent" \
        "$((100 * control_remote / control_accesses))" ">=" 99

ok "the daemon starts" start_daemon || exit
ok "it records" wait_until 30 numabalancerctl record "$CASE_OUT/mixed.rec" 10min
state=$(oracle)
began=$SECONDS
sleep $((run_seconds - 1))
read -r remote accesses < <(counted_since "$state")
ran=$((SECONDS - began))
compare "it lasted so many seconds" $ran "<=" $((run_seconds + 60))

# ---- what could be mended ----

# Doing nothing, the same work would have been as remote as before the daemon's start.
compare "remote accesses of the misplaced ones, percent of doing nothing" \
        "$(awk -v r="$remote" -v a="$accesses" -v cr="$control_remote" -v ca="$control_accesses" \
                'BEGIN { printf "%.2f", 100 * (r / a) / (cr / ca) }')" "<=" 15
diag "per second: $((control_remote / control_seconds)) remote of $((control_accesses / control_seconds)) \
before, $((remote / ran)) of $((accesses / ran)) with the daemon"
read_pages {1..6}
right=$((${pages[1]% *} + ${pages[2]#* }))
wrong=$((${pages[1]#* } + ${pages[2]% *}))
compare "misplaced pages mended, percent" $((100 * right / (right + wrong))) ">=" 90
compare "their remote share at the end, percent: victim 1" "$(oracle_share 1)" "<=" 5
compare "their remote share at the end, percent: victim 2" "$(oracle_share 2)" "<=" 5
for id in 1 2; do
        is "the memory of victim $id is intact" "$(victim_checksum $id)" ok
done

# ---- what was moved in vain: all but the first way of the misplaced ones ----

is "the daemon still runs" "$(systemctl is-active numabalancerd)" active
numabalancerctl jobs --json >"$CASE_OUT/jobs.json"
daemon_journal -o cat >"$CASE_OUT/told.txt"
moved=$(daemon_property BytesMoved)
# Everything that these two have, once; what they have beside their memory is some libraries.
useful=$((4096 * right))
compare "bytes moved" "$moved" ">=" "$useful"
compare "moved in vain, percent of the bytes moved" \
        "$(awk -v m="$moved" -v u="$useful" 'BEGIN { printf "%.2f", 100 * (m - u) / m }')" "<" 2
diag "$moved bytes moved, $useful of them to where they are used"
for id in 3 4; do
        is "well placed victim $id: each page lies where it lay" "${pages[$id]}" "${placed[$id]}"
done
# Its first page, the oracle's marker, is its own.
compare "the shared memory lies where it lay" "${pages[5]% *}" ">=" $((${placed[5]% *} - 1))
is "moves of well placed and idle ones" \
        "$(grep -cE '^moved v-(well-placed|idle)' "$CASE_OUT/told.txt")" 0
diag "the hopping one: ${placed[6]} pages before, ${pages[6]} after"
compare "moves of the misplaced ones" \
        "$(grep -cE '^moved v-misplaced' "$CASE_OUT/told.txt")" "<=" 4
compare "the tables stay small" "$(daemon_property ProcessesTracked)" "<" 60
ok "stops cleanly" stop_daemon
kill "${idle[@]}" || true
