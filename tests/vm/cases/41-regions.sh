#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A process on two nodes: what one of them uses moves to it, what both use stays, or is spread when that is
# asked for.
# lab: nodes=2 mem=2G kernel=6.1 timeout=600
# lab: nodes=2 mem=2G kernel=6.12 timeout=600 long=yes
# Copying and sampling are dear in emulation and these cases do not test the cost rule:
# benefit_ratio = 0.1, cpu_max_percent = 30. Remote shares down to 10 % are to be seen:
# min_remote_percent = 10.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

config() { # SPREAD
        write_config <<END
sampling:  { cpu_max_percent = 30.0; };
gates:     { min_age = "1s"; min_remote_percent = 10.0; };
migration: { benefit_ratio = 0.1; cpu_percent = 100; spread = $1; };
END
}
config false

reason_of() { daemon_call Explain u "$1" 2>/dev/null | jq -r '.[0]'; }
reason_is() { [ "$(reason_of "$1")" = "$2" ]; }
record() { wait_until 30 numabalancerctl record "$CASE_OUT/$1.rec" "$2"; }
explain() { diag "$(daemon_call Explain u "${victim_pid[$1]}" 2>/dev/null | jq -r '.[1]')"; }

# ---- swapped halves ----
start_victim 1 --name v-swapped --size 128M --threads swapped --checksum || exit
compare "swapped halves: every access is remote" "$(oracle_share 1)" ">=" 99
ok "the daemon starts" start_daemon || exit
ok "it records" record swapped 20s
ok "by the clock source" wait_until 30 property_is Source clock
seconds=$(wait_for_share 1 10 150)
compare "the remote share falls to 10 %" "${seconds:-none}" "<" 150
diag "after ${seconds:-?} s"
explain 1
sleep 10
compare "and lower still" "$(oracle_share 1 3)" "<=" 10
is "its memory is intact" "$(victim_checksum 1)" ok
lower=$(victim_half_pages 1 128 0 0) upper=$(victim_half_pages 1 128 1 1)
compare "the lower half is on node 0 ($lower of 16384 pages)" "$lower" ">=" 14746
compare "the upper half is on node 1 ($upper of 16384 pages)" "$upper" ">=" 14746
ok "the journal tells of both nodes" eval \
        "journal_has 'v-swapped\\[${victim_pid[1]}\\].* to node0' && journal_has 'v-swapped\\[${victim_pid[1]}\\].* to node1'"
daemon_journal -o cat | grep -a v-swapped | tail -n 20 | sed 's/^/# /'
stop_victim 1

# ---- memory that both nodes use ----
start_victim 2 --name v-shared --size 128M --threads per-node --mem-node 1 --checksum || exit
before=$(victim_pages 2 1)
compare "shared by two nodes: half of the accesses are remote" "$(oracle_share 2)" ">=" 30
ok "it records once more" record shared 30s
began=$SECONDS
ok "it is called shared" wait_until 60 reason_is "${victim_pid[2]}" shared
explain 2
sleep $((SECONDS - began < 60 ? 60 - (SECONDS - began) : 0))
after=$(victim_pages 2 1)
compare "at most 1 % of its pages moved in 60 s ($before before, $after after)" \
        $(((before - after) * 100)) "<=" "$before"
ok "still shared" wait_until 40 reason_is "${victim_pid[2]}" shared

# ---- the same memory, to be spread: node 1 serves all accesses, that is twice the mean ----
served_by_1() { # SECONDS: percent of its accesses
        local before
        before=$(oracle)
        sleep "$1"
        jq -nr --argjson a "$before" --argjson b "$(oracle)" '
                def n($o; $h): $o.victims["2"].matrix | map(.[$h]) | add;
                (n($b; 1) - n($a; 1)) as $one | (n($b; 0) - n($a; 0)) as $zero |
                100 * $one / ($one + $zero) | round'
}
is_spread() { [ "$(victim_pages 2 1)" -le $((before * 65 / 100)) ]; }
compare "node 1 serves all of it, percent" "$(served_by_1 2)" ">=" 99
config true
ok "reload with migration.spread" systemctl reload numabalancerd
ok "its memory is spread" wait_until 90 is_spread
sleep 5
after=$(victim_pages 2 1)
compare "about half of it stays ($before before, $after after)" $((after * 100)) ">=" \
        $((before * 35))
compare "node 1 serves at most, percent" "$(served_by_1 3)" "<=" 65
compare "and at least, percent" "$(served_by_1 3)" ">=" 35
is "the spread memory is intact" "$(victim_checksum 2)" ok
daemon_journal -o cat | grep -a "v-shared.${victim_pid[2]}" | tail -n 5 | sed 's/^/# /'
ok "stops cleanly" stop_daemon
