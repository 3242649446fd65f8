#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What may go wrong at the start and during a move: a broken configuration, no bus, a process that
# exits in mid-move.
# lab: nodes=2 mem=2G kernel=6.1 timeout=420
# Copying and sampling are dear in emulation and these cases do not test the cost rule:
# benefit_ratio = 0.1, cpu_max_percent = 30.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

migrated_pages() { awk '$1 == "pgmigrate_success" { print $2 }' /proc/vmstat; }
good_config() {
        write_config <<'END'
sampling:  { cpu_max_percent = 30.0; };
gates:     { min_age = "1s"; };
migration: { benefit_ratio = 0.1; cpu_percent = 100; };
END
}

# ---- a broken configuration ----
write_config <<'END'
mode = "act";
gates: {
        min_aeg = "1s";
};
END
before=$(migrated_pages)
cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
ok "a broken configuration fails the start" eval '! systemctl start numabalancerd'
is "with exit status 78" "$(systemctl show -P ExecMainStatus numabalancerd)" 78
message=$(journalctl --after-cursor="$cursor" -u numabalancerd -o cat --no-pager)
ok "the message names file and line" grep -q '/etc/numabalancer.conf:3' <<<"$message"
ok "and the key" grep -q 'min_aeg' <<<"$message"
diag "$(grep -m 1 min_aeg <<<"$message")"
sleep 4
is "no restart loop" "$(systemctl show -P NRestarts numabalancerd)" 0
is "it stays failed" "$(systemctl is-failed numabalancerd)" failed
is "nothing was moved" "$(migrated_pages)" "$before"
is "--check says the same" "$(numabalancerd --check >/dev/null 2>&1; echo $?)" 78
systemctl reset-failed numabalancerd

# ---- a bad file at reload: the running configuration stays ----
good_config
ok "a good configuration starts" start_daemon || exit
echo 'mode = "atc";' >/etc/numabalancer.conf
ok "a reload with a bad file fails visibly" eval '! systemctl reload numabalancerd'
kill -HUP "$(systemctl show -P MainPID numabalancerd)"
ok "SIGHUP with a bad file is refused in the journal" wait_until 10 \
        journal_has '/etc/numabalancer.conf:1'
is "the daemon still runs" "$(systemctl is-active numabalancerd)" active
is "with the mode it had" "$(daemon_property Mode)" act

# ---- a process that exits in mid-move ----
good_config
systemctl reload numabalancerd
start_victim 1 --size 640M --mem-node 1 --run-node 0 || exit
started() { [ "$(daemon_property MigrationsStarted)" -ge 1 ]; }
ok "a move begins" wait_until 60 started
kill -KILL "${victim_pid[1]}"
wait "${victim_pid[1]}" 2>/dev/null
unset "victim_pid[1]"
sleep 6
is "the daemon survives" "$(systemctl is-active numabalancerd)" active
is "without a restart" "$(systemctl show -P NRestarts numabalancerd)" 0
ok "and still works" start_victim 2 --size 128M --mem-node 1 --run-node 0
seconds=$(wait_for_share 2 5 120)
compare "the next process is moved" "${seconds:-none}" "<" 120
stop_victim 2
ok "stops cleanly" stop_daemon

# ---- no bus ----
systemctl stop dbus.service dbus.socket
ok "without a bus the daemon starts" start_daemon
is "and is active" "$(systemctl is-active numabalancerd)" active
start_victim 3 --size 128M --mem-node 1 --run-node 0
seconds=$(wait_for_share 3 5 120)
compare "and moves" "${seconds:-none}" "<" 120
systemctl start dbus.socket dbus.service
ok "when a bus appears, it is there" wait_until 30 property_is State running
stop_victim 3
ok "stops cleanly" stop_daemon
