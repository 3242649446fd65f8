#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Beside the kernel and other movers: kernel_balancing is set and put back, the kernel's account of
# moved pages agrees with the engine's, and another mover makes the daemon only observe.
# lab: nodes=2 mem=1G kernel=5.10,6.1,7 timeout=600 stage=yes
# lab: nodes=2 mem=1G kernel=6.12 timeout=600 stage=yes long=yes
# Copying and sampling are dear in emulation and these cases do not test the cost rule:
# benefit_ratio = 0.1, cpu_max_percent = 30.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

sysctls=/proc/sys/kernel/numa_balancing
debugfs=/sys/kernel/debug/sched/numa_balancing
mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
scan_file() { # NAME
        if [ -e "$debugfs/$1" ]; then echo "$debugfs/$1"; else echo "${sysctls}_$1"; fi
}
scan_values() {
        local name
        for name in scan_delay_ms scan_period_min_ms scan_period_max_ms scan_size_mb; do
                cat "$(scan_file $name)"
        done | xargs
}
sampling="10000 60000 60000 16"
usual=$(scan_values)
diag "the kernel's own: $(cat $sysctls), $usual"

configure() { # KERNEL_BALANCING [SETTING...]
        write_config <<END
kernel_balancing = "$1";
${2:-}
sampling:  { cpu_max_percent = 30.0; };
gates:     { min_age = "1s"; };
migration: { benefit_ratio = 0.1; cpu_percent = 100; };
END
}
state_is() { # WHEN BALANCING SCAN-VALUES
        is "$1: kernel.numa_balancing" "$(cat $sysctls)" "$2"
        is "$1: the scanner" "$(scan_values)" "$3"
}
stat_value() { # KEY, or KEY.REASON
        daemon_call GetStats | jq -r --arg key "${1%.*}" --arg reason "${1#*.}" \
                '.[0][$key].data | if type == "object" then .[$reason] else . end'
}

# ---- kernel_balancing ----
sample_and_stop() {
        echo 0 >$sysctls
        configure sample
        ok "sample: starts" start_daemon || exit
        state_is "sample" 1 "$sampling"
        is "sample: is told" "$(daemon_property KernelBalancing)" on
        ok "sample: stops" stop_daemon
        state_is "sample, stopped" 0 "$usual"
        ok "sample: nothing is left behind" eval '[ ! -e /run/numabalancerd-kernel ]'
}

other_modes() {
        echo 1 >$sysctls
        configure off
        ok "off: starts" start_daemon || exit
        state_is "off" 0 "$usual"
        is "off: is told" "$(daemon_property KernelBalancing)" off

        configure sample
        kill -HUP "$(systemctl show -P MainPID numabalancerd)"
        ok "a signal cannot change it, which is told" wait_until 10 \
                journal_has 'kernel_balancing = "sample" takes effect with'
        ok "off to sample: reloads" systemctl reload numabalancerd
        state_is "off to sample" 1 "$sampling"
        configure leave
        ok "sample to leave: reloads" systemctl reload numabalancerd
        state_is "sample to leave" 1 "$usual"

        # Killed, and not started again, so that what remains can be seen.
        mkdir -p /run/systemd/system/numabalancerd.service.d
        printf '[Service]\nRestart=no\n' >/run/systemd/system/numabalancerd.service.d/once.conf
        systemctl daemon-reload
        configure off
        systemctl reload numabalancerd
        is "off again" "$(cat $sysctls)" 0
        systemctl kill -s KILL numabalancerd
        ok "killed" wait_until 20 systemctl -q is-failed numabalancerd
        state_is "killed" 1 "$usual"
        systemctl reset-failed numabalancerd
        rm -r /run/systemd/system/numabalancerd.service.d
        systemctl daemon-reload

        # What the administrator changes meanwhile is his.
        configure sample
        echo 0 >$sysctls
        ok "starts with sample" start_daemon || exit
        echo 64 >"$(scan_file scan_size_mb)"
        echo 0 >$sysctls
        ok "reloads" systemctl reload numabalancerd
        state_is "changed and reloaded" 0 "${sampling% *} 64"
        ok "stops" stop_daemon
        state_is "changed and stopped" 0 "${usual% *} 64"
        echo "${usual##* }" >"$(scan_file scan_size_mb)"
}

# ---- the kernel's account ----
accounts_agree() {
        [ "$(stat_value KernelOwnPagesMoved)" = "$(stat_value PagesMoved)" ]
}
finished() { [ "$(daemon_property MigrationsFinished)" -ge "$1" ]; }
account() {
        configure leave
        ok "starts" start_daemon || exit
        ok "what the kernel moves is counted" eval \
                'numabalancerctl doctor | grep -q "what the kernel moves is counted by reason"'
        start_victim 1 --size 96M --mem-node 1 --run-node 0 || exit
        ok "a process is moved" wait_until 90 finished 1
        wait_until 12 accounts_agree
        is "the kernel counts the same pages" "$(stat_value KernelOwnPagesMoved)" \
                "$(stat_value PagesMoved)"
        compare "and these are many" "$(stat_value KernelOwnPagesMoved)" ">=" 8000
        machine_agrees() {
                [ "$(stat_value MachinePagesMoved)" -ge "$(stat_value KernelOwnPagesMoved)" ]
        }
        ok "those of the machine include them" wait_until 20 machine_agrees
        stop_victim 1
        diag "$(numabalancerctl status | grep 'Kernel moved')"

        # A program that places its own memory is no other mover.
        # By 0 and by its pid; 256 is migrate_pages(2), the masks say from node 1 to node 0.
        before=$(stat_value KernelPagesMoved.syscall)
        for who in 0 'int($$)'; do # as a string it would be passed by address
                ok "a program moves itself as $who" numactl --preferred=1 perl -e '
                        my ($m, $from, $to) = ("x" x (24 << 20), pack("Q", 2), pack("Q", 1));
                        syscall(256, '"$who"', 64, $from, $to) >= 0 or die "$!"'
        done
        sleep 6
        compare "that is counted" "$(stat_value KernelPagesMoved.syscall)" ">=" \
                $((before + 8000))
        is "which is no reason to stop" "$(daemon_property StateReason)" running
        ok "and no record" eval '! journal_has "moves memory between nodes as well"'
}

# ---- another mover ----
judged_other_mover() { # VICTIM
        numabalancerctl processes --json | jq -e --argjson pid "${victim_pid[$1]}" \
                'any(.[]; .pid == $pid and .reason == "other-mover")' >/dev/null
}
moved_by_daemon() { stat_value KernelOwnPagesMoved; }
by_hand() {
        start_victim 2 --size 64M --mem-node 1 --run-node 1 || exit
        migratepages "${victim_pid[2]}" 1 0
        stop_victim 2
        ok "migratepages is noticed" wait_until 15 property_is StateReason other-mover
        is "the daemon still runs" "$(daemon_property State)" running
        ok "and is told" journal_has 'migratepages\[[0-9]+\] moves memory between nodes as well'
        before=$(moved_by_daemon)
        ok "it records" wait_until 30 numabalancerctl record "$CASE_OUT/yields.rec" 30s
        start_victim 3 --name v-yields --size 64M --mem-node 1 --run-node 0 || exit
        ok "a process is only observed for that reason" wait_until 60 judged_other_mover 3
        ok "what would be moved is told" wait_until 15 journal_has \
                "would move v-yields\[${victim_pid[3]}\]"
        sleep 10
        is "no page was moved" "$(moved_by_daemon)" "$before"
}
ignoring() {
        configure leave 'ignore_other_movers = true;'
        ok "ignore_other_movers: reloads" systemctl reload numabalancerd
        is "the daemon acts" "$(daemon_property StateReason)" running
        ok "and moves" wait_until 60 eval "[ \$(moved_by_daemon) -ge $((before + 8000)) ]"
}
with_numad() {
        stop_daemon
        if ! numad -i 300 || ! wait_until 10 pgrep -x numad >/dev/null; then
                skip "numad is noticed" "numad does not run here"
                return
        fi
        configure leave
        ok "starts beside numad" start_daemon || exit
        ok "numad is noticed" wait_until 30 property_is StateReason other-mover
        ok "and is told" journal_has 'numad\[[0-9]+\] moves memory between nodes as well'
        ok "doctor names it" eval 'numabalancerctl doctor | grep -q "numad is running"'
        pkill -x numad
}

case $LAB_KERNEL in
5.10 | 7)
        sample_and_stop
        account
        by_hand
        ;;
*)
        sample_and_stop
        other_modes
        account
        by_hand
        ignoring
        stop_victim 3
        with_numad
        ;;
esac
