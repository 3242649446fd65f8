#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine with one node: the daemon is up, idle, and says why.
# lab: nodes=1 kernel=6.1 mem=1G timeout=90

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

ok "the daemon starts" start_daemon || exit
is "state" "$(daemon_property State)" idle
is "reason" "$(daemon_property StateReason)" one-node
ok "the journal says so" journal_has 'one (memory )?node|one-node'
status=$(systemctl show -P StatusText numabalancerd)
ok "systemctl status says so: $status" grep -q 'one memory node' <<<"$status"
ok "numabalancerctl status" numabalancerctl status
pid=$(systemctl show -P MainPID numabalancerd)
# When it went to sleep by itself; another that takes the CPU from it is no wake-up.
switches() { awk '$1 == "voluntary_ctxt_switches:" { print $2 }' "/proc/$pid/status"; }
sleep 2 # what the bus still tells of those that have just asked
before=$(switches)
sleep 10
compare "it sleeps (context switches in 10 s, watchdog included)" "$(($(switches) - before))" "<=" 3
ok "stops cleanly" stop_daemon
