#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a person does with numabalancerctl on a machine with two nodes: look, move by hand, be refused.
# lab: nodes=2 mem=1G kernel=6.1 timeout=400 stage=yes
# shellcheck disable=SC2016
# The daemon only observes, so that nothing but orders moves pages.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

write_config <<'END'
mode = "observe";
sampling:  { rate_hz = 29; };
gates:     { min_age = "1s"; };
migration: { benefit_ratio = 0.1; cpu_percent = 100; };
END

start_victim 1 --size 64M --mem-node 1 --run-node 0 --checksum || exit
start_victim 2 --size 32M --bind 1 --mem-node 1 --run-node 0 || exit
ok "the daemon starts" start_daemon || exit

status_of 0 "doctor" numabalancerctl doctor
ok "doctor: the daemon can act" says 'The daemon can act'
status_of 0 "nodes" numabalancerctl nodes
status_of 0 "top" numabalancerctl top --count 1
ok "the victim is seen" wait_until 60 eval \
        'numabalancerctl processes --json | jq -e --argjson pid "${victim_pid[1]}" \
                "any(.[]; .pid == \$pid and .remote_share > 0.5)" >/dev/null'
status_of 0 "show" numabalancerctl show "${victim_pid[1]}"
ok "show: its accesses by node" says '^node0 .*%.*%'
ok "would-migrate is told" wait_until 60 journal_has "would move victim\[${victim_pid[1]}\]"
status_of 0 "metrics" numabalancerctl metrics
ok "metrics: accesses between nodes" says '^numabalancer_access_ratio\{from="0",to="1"\} 0\.[0-9]+'

status_of 0 "record" numabalancerctl record "$CASE_OUT/recording.txt" 20s
status_of 5 "the mode refuses a move" numabalancerctl migrate "${victim_pid[1]}" --to 0
status_of 5 "a bound process is refused even so" \
        numabalancerctl migrate "${victim_pid[2]}" --to 0 --override-rules
ok "and the reason is told" says 'task-policy'
status_of 4 "others than root may not" setpriv --reuid=65534 --regid=65534 --clear-groups \
        numabalancerctl migrate "${victim_pid[1]}" --to 0
status_of 1 "there is no node 7" numabalancerctl migrate "${victim_pid[1]}" --to 7 --override-rules
status_of 0 "root moves it by hand" \
        numabalancerctl migrate "${victim_pid[1]}" --from 1 --to 0 --override-rules
compare "its pages have moved" "$(victim_pages 1 1)" "<" 64
is "its memory is intact" "$(victim_checksum 1)" ok
compare "the bound one's have not" "$(victim_pages 2 1)" ">=" 8192
status_of 0 "jobs" numabalancerctl jobs
ok "jobs: it is listed" says "${victim_pid[1]} victim +1 +0 done"
ok "history has a row" wait_until 20 eval \
        '[ "$(numabalancerctl history --json | jq length)" -gt 0 ]'
compare "the recording has evaluations" "$(grep -c '^snapshot' "$CASE_OUT/recording.txt")" ">=" 3
ok "the recording has the move" grep -q '^outcome' "$CASE_OUT/recording.txt"
status_of 0 "pause" numabalancerctl pause 1min
status_of 5 "a paused daemon refuses" \
        numabalancerctl migrate "${victim_pid[1]}" --from 0 --to 1 --override-rules
status_of 0 "resume" numabalancerctl resume
ok "stops cleanly" stop_daemon
status_of 3 "then it is not running" numabalancerctl status
status_of 0 "which is a metric" numabalancerctl metrics
ok "up is 0" says '^numabalancer_up 0'
