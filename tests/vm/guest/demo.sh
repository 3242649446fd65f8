#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Told inside the virtual machine by ./dev demo: a process whose memory lies on the wrong node, the
# daemon, and proof that the pages moved. Ends with a status other than 0 if anything is not so.

CASE_NAME=demo
# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh

victim_size=512M
# The remote share must stay below this for so many seconds in a row.
low_percent=5
low_seconds=8
watch_seconds=180

# What tells the story works on the other node's CPU, so that the victim's speed is its own.
taskset -pc 1 $$ >/dev/null

step() { printf '\n== %s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }
check() { ok "$@" || true; }

migrated_pages() { awk '$1 == "pgmigrate_success" { print $2 }' /proc/vmstat; }

# The daemon's estimate of the victim's remote share in percent, "-" before it has one.
estimate() {
        daemon_call GetProcess u "$victim" 2>/dev/null |
                jq -r '.[0] | if (.samples.data // 0) >= 1 then .remote_share.data * 100 else "-" end' \
                        2>/dev/null || echo -
}

step "A machine with two nodes, one CPU each ($(uname -r), Debian $(cat /etc/debian_version))"
run numactl --hardware

step "A process that runs on node 0 and has its memory on node 1"
start_victim 1 --size $victim_size --mem-node 1 --run-node 0 --pattern random --checksum || exit 1
victim=${victim_pid[1]}
echo "victim: pid $victim, $victim_size, random accesses"
run numastat -p "$victim"
worked_seconds() { [ "$(wc -l <"$CASE_OUT/victim-1.progress")" -ge "$1" ]; }
wait_until 60 worked_seconds 4
before_rate=$(victim_rate 1 3)
compare "every access is remote (counted by the machine itself)" "$(oracle_share 1)" ">=" 99

step "The daemon's configuration"
# Copying a page costs 10 to 30 times more under emulation than on hardware, while a remote access
# costs about the same, and a sample costs 100 times more. So the demonstration asks for less gain
# per cost, looks at young processes, and lets engine and sampler use more of a CPU.
write_config <<'END'
sampling:  { cpu_max_percent = 30.0; };
gates:     { min_age = "1s"; };
migration: { benefit_ratio = 0.1; cpu_percent = 100; };
END
run cat /etc/numabalancer.conf
check "numabalancerd --check accepts it" numabalancerd --check >/dev/null

migrated_before=$(migrated_pages)
step "systemctl start numabalancerd"
start_daemon || exit 1
printf '%8s %22s %16s %14s\n' second "remote, counted (%)" "estimated (%)" "victim work/s"
# A row a second, with the machine's count of this second and the daemon's latest answer: asking takes
# some seconds under emulation. The first column is the clock's.
echo - >/tmp/estimate
while :; do
        estimate >/tmp/estimate.new
        mv /tmp/estimate.new /tmp/estimate
        sleep 1
done &
asker=$!
began=$SECONDS
low_since=
lasted=0
while [ $((SECONDS - began)) -lt $watch_seconds ] && [ "$lasted" -lt $low_seconds ]; do
        share=$(oracle_share 1)
        awk -v second=$((SECONDS - began)) -v share="$share" -v estimate="$(</tmp/estimate)" '
                END { printf "%8d %22.1f %16s %14.0f\n", second, share,
                        estimate == "-" ? "-" : sprintf("%.1f", estimate), $3 }' \
                "$CASE_OUT/victim-1.progress"
        if awk -v s="$share" -v l=$low_percent 'BEGIN { exit !(s < l) }'; then
                low_since=${low_since:-$SECONDS}
                lasted=$((SECONDS - low_since))
        else
                low_since=
                lasted=0
        fi
done
kill $asker
check "the remote share fell below $low_percent % and stayed there for $low_seconds s" \
        [ "$lasted" -ge $low_seconds ]

worked=$(wc -l <"$CASE_OUT/victim-1.progress")
wait_until 60 worked_seconds $((worked + 4))
after_rate=$(victim_rate 1 3)

step "Where the memory is now"
run numastat -p "$victim"
compare "numastat agrees: less than 26 MiB (5 %) on node 1" \
        "$(numastat -p "$victim" | awk '/^Private/ { print $3 }')" "<" 26
is "the victim's memory is intact" "$(victim_checksum 1)" ok
compare "it works faster than before ($before_rate per second)" "$after_rate" ">" "$before_rate"

step "What the daemon says"
wait_until 30 journal_has 'moved victim\[' || true
run journalctl -u numabalancerd --no-pager -o cat
line=$(daemon_journal -o cat | grep -m 1 -E "moved victim\[$victim\] node1 to node0: [0-9]+ pages")
check "one line tells what was moved, from where to where" [ -n "$line" ]
run busctl get-property org.numabalancer1 /org/numabalancer1 org.numabalancer1.Manager PagesMoved
run busctl get-property org.numabalancer1 /org/numabalancer1 org.numabalancer1.Manager State
check "the state is running" property_is State running
run numabalancerctl status
run numabalancerctl why "$victim"
check "numabalancerctl status shows the pages moved" \
        sh -c "numabalancerctl status --json | grep -q PagesMoved"

step "Does the kernel agree?"
reported=$(daemon_property PagesMoved)
counted=$(($(migrated_pages) - migrated_before))
echo "pages moved: $reported reported by the daemon, $counted in the kernel's pgmigrate_success"
compare "they agree within 2 %" "$(awk -v a="$reported" -v b="$counted" \
        'BEGIN { d = a > b ? a - b : b - a; print (b > 0) ? 100 * d / b : 100 }')" "<=" 2

step "systemctl stop numabalancerd"
check "it stops cleanly" stop_daemon
is "its result" "$(systemctl show -P Result numabalancerd)" success
stop_victim 1
echo
if [ "$lab_failures" -gt 0 ]; then
        echo "$lab_failures checks FAILED"
        exit 1
fi
echo "The demonstration went well."
