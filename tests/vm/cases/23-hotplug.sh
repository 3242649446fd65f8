#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# CPUs go and come while the clock source runs.
# lab: nodes=2 mem=1G kernel=6.12 timeout=120 stage=yes

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

write_config <<'END'
mode = "observe";
sampling: { source = "clock"; rate_hz = 29; };
END
cpu1=/sys/devices/system/cpu/cpu1/online
[ -w $cpu1 ] || skip_all "this kernel cannot take CPUs offline (CONFIG_HOTPLUG_CPU)"
source_reason_has() { daemon_property SourceReason | grep -qE -- "$1"; }
samples_on_node1() {
        daemon_call GetProcess u "${victim_pid[1]}" |
                jq -e '.[0].accesses.data | .[2] + .[3] > 5' >/dev/null
}

echo 2 >/proc/sys/kernel/perf_event_paranoid
ok "the daemon starts" start_daemon || exit
ok "two CPUs are sampled" wait_until 20 source_reason_has 'on 2 CPUs'
echo 0 >$cpu1
ok "one went" wait_until 20 source_reason_has 'on 1 CPUs'
echo 1 >$cpu1
ok "it came back" wait_until 20 source_reason_has 'on 2 CPUs'
start_victim 1 --size 16M --mem-node 0 --run-node 1 || exit
ok "and brings samples" wait_until 40 samples_on_node1
echo 3 >/proc/sys/kernel/perf_event_paranoid
if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" = 3 ]; then
        echo 0 >$cpu1
        ok "it goes again" wait_until 20 source_reason_has 'on 1 CPUs'
        echo 1 >$cpu1
        ok "without CAP_SYS_ADMIN it cannot return, which is told" \
                wait_until 20 source_reason_has '1 came online later'
fi
is "the source stays" "$(daemon_property Source)" clock
ok "stops cleanly" stop_daemon
