#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The whole way: a misplaced process is found, moved, reported; what is bound or shared stays; a
# restart keeps working.
# lab: nodes=2 mem=2G kernel=6.1 timeout=420
# lab: nodes=2 mem=2G kernel=6.12 timeout=420 long=yes
# Copying and sampling are dear in emulation and these cases do not test the cost rule:
# benefit_ratio = 0.1, cpu_max_percent = 30.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

write_config <<'END'
sampling:  { cpu_max_percent = 30.0; };
gates:     { min_age = "1s"; };
migration: { benefit_ratio = 0.1; cpu_percent = 100; };
END

migrated_pages() { awk '$1 == "pgmigrate_success" { print $2 }' /proc/vmstat; }
private_mib() { numastat -p "$1" | awk -v n="$(($2 + 2))" '/^Private/ { print $n }'; }
reason_of() { daemon_call Explain u "$1" 2>/dev/null | jq -r '.[0]'; }
reason_is() { [ "$(reason_of "$1")" = "$2" ]; }

# One bound by numactl, one whose pages a second process maps, one free: all misplaced alike.
start_victim 1 --size 256M --mem-node 1 --run-node 0 --checksum || exit
start_victim 2 --size 128M --bind 1 --mem-node 1 --run-node 0 || exit
start_victim 3 --size 128M --mem-node 1 --run-node 0 --share-with 0 || exit
compare "the free one is misplaced" "$(oracle_share 1)" ">=" 99
bound_before=$(victim_pages 2 1)
shared_before=$(victim_pages 3 1)
compare "the bound one lies on node 1" "$bound_before" ">=" 32768
compare "the shared one lies on node 1" "$shared_before" ">=" 32768

before=$(migrated_pages)
ok "the daemon starts" start_daemon || exit
ok "systemd sees it active" systemctl is-active --quiet numabalancerd
is "state" "$(daemon_property State)" running
is "source" "$(daemon_property Source)" clock
seconds=$(wait_for_share 1 5 120)
compare "the free one's remote share falls below 5 %" "${seconds:-none}" "<" 120
diag "after ${seconds:-?} s"
compare "numastat agrees" "$(private_mib "${victim_pid[1]}" 1)" "<" 13
is "its memory is intact" "$(victim_checksum 1)" ok

ok "the journal tells it in one line" wait_until 30 \
        journal_has "moved victim\[${victim_pid[1]}\] node1 to node0: [0-9]+ pages"
daemon_journal -o json >"$CASE_OUT/journal.json"
ok "with the fields of a migration" jq -se --arg pid "${victim_pid[1]}" \
        'any(.[]; .NUMABALANCER_PID == $pid and .MESSAGE_ID != null and
             .NUMABALANCER_FROM_NODE == "1" and .NUMABALANCER_TO_NODE == "0" and
             (.NUMABALANCER_PAGES_MOVED | tonumber) > 60000)' "$CASE_OUT/journal.json"
ok "GetStats answers" eval '[ "$(daemon_call GetStats | jq ".[0] | length")" -gt 20 ]'
ok "ListProcesses knows the victim" eval \
        'daemon_call ListProcesses us 100 score | jq -e --argjson pid "${victim_pid[1]}" \
                "any(.[0][]; .pid.data == \$pid)" >/dev/null'
ok "numabalancerctl status" numabalancerctl status
ok "numabalancerctl processes" numabalancerctl processes
ok "numabalancerctl why" numabalancerctl why "${victim_pid[1]}"

ok "the bound one is judged: task-policy" wait_until 60 reason_is "${victim_pid[2]}" task-policy
diag "the bound one: $(daemon_call Explain u "${victim_pid[2]}" | jq -r '.[1]')"
compare "no page of the bound one moved" "$(victim_pages 2 1)" "==" "$bound_before"
# Its first page, the oracle's marker, is its own.
compare "no page of the shared one moved" "$(victim_pages 3 1)" ">=" $((shared_before - 1))
diag "the shared one: $(daemon_call Explain u "${victim_pid[3]}" | jq -r '.[1]')"

reported=$(daemon_property PagesMoved)
counted=$(($(migrated_pages) - before))
compare "pages reported ($reported) and pgmigrate_success ($counted) agree, in percent" \
        "$(awk -v a="$reported" -v b="$counted" \
                'BEGIN { d = a > b ? a - b : b - a; print (b > 0) ? 100 * d / b : 100 }')" "<=" 2

status=$(systemctl show -P StatusText numabalancerd)
ok "systemctl status has a text: $status" [ -n "$status" ]
pid=$(systemctl show -P MainPID numabalancerd)
is "each of its threads holds only the capabilities it needs" \
        "$(awk '/^Cap(Eff|Prm)/ { print $2 }' /proc/"$pid"/task/*/status | sort -u)" 000000c000080000
compare "threads" "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" ">=" 2
second=$(numabalancerd 2>&1)
is "a second daemon exits with 1" $? 1
ok "and names the first" grep -q "pid $pid" <<<"$second"

stop_victim 1
ok "restart" systemctl restart numabalancerd
is "the stopped daemon left nothing in /run" \
        "$(systemctl stop numabalancerd; ls /run/numabalancerd 2>/dev/null)" ""
ok "start again" start_daemon
ok "a misplaced process after a restart" start_victim 4 --size 128M --mem-node 1 --run-node 0
seconds=$(wait_for_share 4 5 120)
compare "is moved too" "${seconds:-none}" "<" 120
ok "reload" systemctl reload numabalancerd
ok "SIGHUP is answered in the journal" wait_until 10 journal_has '[Cc]onfiguration'
ok "pause" numabalancerctl pause
ok "state paused" wait_until 5 property_is State paused
ok "resume" numabalancerctl resume
ok "state running" wait_until 5 property_is State running
ok "stops cleanly" stop_daemon
is "result" "$(systemctl show -P Result numabalancerd)" success
