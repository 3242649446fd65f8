#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a person, a script and a monitoring system see: bus, journal with catalog, metrics, units, top; with
# names as an attacker would choose them; and that nobody who looks starts a daemon that was stopped.
# lab: nodes=2 mem=1G kernel=6.1 timeout=400 stage=yes
# shellcheck disable=SC2016

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

write_config <<'END'
mode = "observe";
sampling:  { rate_hz = 29; };
gates:     { min_age = "1s"; };
migration: { benefit_ratio = 0.1; cpu_percent = 100; bandwidth = "8M"; bandwidth_max = "8M"; };
END

plainly() { ! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f\xff]' "$@"; } # neither escapes nor invalid UTF-8

# ---- a victim with the worst name, in a unit with the worst name ----

evil=$'v [1]\n\e[31m\xff"<'
shown='v [1]\x0a\x1b[31m\xff"<'
unit='hostile\x0a\x1b\x5b31m.service'
# shellcheck disable=SC2034 # used in what is evaluated
unit_shown='hostile\x5cx0a\x5cx1b\x5cx5b31m.service'
cp "$(command -v victim)" "/run/$evil"
cat >/run/hostile.sh <<'END'
exec $'/run/v [1]\n\e[31m\xff"<' --id 1 --size 48M --mem-node 1 --run-node 0 --checksum
END
ok "a unit with escapes in its name starts" systemd-run --quiet --unit "$unit" \
        --property=StandardOutput=file:/run/hostile.log bash /run/hostile.sh || exit
ok "the victim works" wait_until 60 grep -q ready /run/hostile.log || exit
pid=$(systemctl show --value -p MainPID "$unit")
is "its name is what it should be" "$(od -An -tx1 "/proc/$pid/comm" | tr -d ' \n')" \
        "$(printf '%s\n' "$evil" | od -An -tx1 | tr -d ' \n')"
mkdir -p /var/lib/prometheus/node-exporter
journalctl --update-catalog
ok "the daemon starts" start_daemon || exit

# ---- the bus ----

status_of 0 "busctl introspect" busctl introspect org.numabalancer1 /org/numabalancer1 \
        org.numabalancer1.Manager
members=$(grep -oE '<(method|property|signal) name="[A-Za-z]+"' \
        /usr/share/dbus-1/interfaces/org.numabalancer1.Manager.xml | cut -d'"' -f2 | sort)
is "it has the members of the shipped interface" \
        "$(awk '/^\./ { print substr($1, 2) }' "$CASE_OUT/last.txt" | sort)" "$members"
status_of 0 "gdbus introspect" gdbus introspect --system -d org.numabalancer1 \
        -o /org/freedesktop/LogControl1
ok "LogControl1 is there" says 'interface org.freedesktop.LogControl1'
call=(gdbus call --system -d org.numabalancer1 -o /org/numabalancer1 -m)
status_of 0 "gdbus call GetStats" "${call[@]}" org.numabalancer1.Manager.GetStats
ok "counters are 64 bits wide" says "'SamplesTotal': <uint64 [0-9]+>"
status_of 1 "gdbus call Explain of no process" "${call[@]}" org.numabalancer1.Manager.Explain 4194303
ok "is an error with a name" says 'org\.numabalancer1\.Error\.NoSuchProcess'

# ---- names ----

ok "the victim is seen, its name and unit escaped" wait_until 60 eval \
        'numabalancerctl processes --json | jq -e --argjson pid "$pid" --arg comm "$shown" \
                --arg unit "$unit_shown" "any(.[]; .pid == \$pid and .comm == \$comm and
                        .unit == \$unit and .remote_share > 0.5)" >/dev/null'
for verb in "processes" "show $pid" "why $pid" "top --count 1"; do
        # shellcheck disable=SC2086
        status_of 0 "$verb" numabalancerctl $verb
        ok "${verb%% *}: the name is escaped" grep -qF "$shown" "$CASE_OUT/last.txt"
        ok "${verb%% *}: nothing else is special" plainly "$CASE_OUT/last.txt"
done
"${call[@]}" org.numabalancer1.Manager.ListProcesses 10 score >"$CASE_OUT/gdbus.txt"
ok "gdbus shows it as well" grep -qF 'x1b[31m' "$CASE_OUT/gdbus.txt"

# ---- metrics ----

status_of 0 "metrics" numabalancerctl metrics
ok "the unit is a label" grep -qF 'unit="hostile\\x5cx0a\\x5cx1b\\x5cx5b31m.service"' "$CASE_OUT/last.txt"
cp "$CASE_OUT/last.txt" "$CASE_OUT/metrics.prom"
status_of 0 "the text format is kept" python3 /lab/check-exposition "$CASE_OUT/metrics.prom"
numabalancerctl metrics --openmetrics >"$CASE_OUT/metrics.om"
status_of 0 "OpenMetrics is kept" python3 /lab/check-exposition --openmetrics "$CASE_OUT/metrics.om"
sed 's/^numabalancer_up/numabalancer_down/' "$CASE_OUT/metrics.prom" >/run/bad.prom
status_of 1 "a wrong one is noticed" python3 /lab/check-exposition /run/bad.prom

# ---- top on terminals ----

terminal() { # NAME COLUMNS ROWS TERM COMMAND
        SHELL=/bin/bash TERM=$4 script -qec "stty cols $2 rows $3; $5" /dev/null </dev/null >"$CASE_OUT/$1.raw"
}
for size in 80x24 200x50; do
        status_of 0 "top on $size" terminal "top-$size" "${size%x*}" "${size#*x}" xterm \
                'numabalancerctl top --count 3 --interval 1s'
        python3 /lab/check-screen "${size%x*}" "${size#*x}" "$CASE_OUT/top-$size.raw" \
                >"$CASE_OUT/top-$size.txt" 2>"$CASE_OUT/last.txt"
        is "stays inside and cleans up" "$?" 0 || diag "$(cat "$CASE_OUT/last.txt")"
        ok "the victim is on the screen" grep -qF "$shown" "$CASE_OUT/top-$size.txt"
        ok "so are the keys" grep -q '^q quit' "$CASE_OUT/top-$size.txt"
done
status_of 0 "top on a dumb terminal" terminal top-dumb 80 24 dumb \
        'numabalancerctl top --count 2 --interval 1s'
tr -d '\r' <"$CASE_OUT/top-dumb.raw" >"$CASE_OUT/top-dumb.txt"
ok "is plain text" plainly "$CASE_OUT/top-dumb.txt"
is "in two pictures" "$(grep -c '^numabalancerd ' "$CASE_OUT/top-dumb.txt")" 2

# ---- a move that takes some seconds ----

terminal migrate 100 24 xterm \
        "numabalancerctl migrate $pid --from 1 --to 0 --override-rules; echo status \$?" &
mover=$!
ok "status shows the move" wait_until 30 eval \
        'numabalancerctl status | grep -qF "${shown}[$pid] node1 to node0, "'
numabalancerctl top --count 1 >"$CASE_OUT/top-moving.txt"
ok "top shows it" grep -qE '^\[[#.]{20}\] .* node1 to node0, ' "$CASE_OUT/top-moving.txt"
systemctl show --value -p StatusText numabalancerd >"$CASE_OUT/status-text.txt"
ok "systemctl status shows it" grep -qF "Moving ${shown}[$pid] to node0: " "$CASE_OUT/status-text.txt"
is "one job is active" "$(numabalancerctl status --json | jq .Stats.JobsActive)" 1
wait $mover
ok "migrate draws a bar" grep -qE '\[#+\.+\] [0-9]+ of [0-9]+ pages' "$CASE_OUT/migrate.raw"
ok "and waits for the end" grep -q '^status 0' "$CASE_OUT/migrate.raw"
for victim in 1 2; do
        status_of 5 "pid $victim is never moved" \
                numabalancerctl migrate $victim --to 0 --override-rules
done
ok "a kernel thread is called so" says 'is a kernel thread'
status_of 0 "doctor --json" numabalancerctl doctor --json
ok "doctor: bus and journal are good" eval \
        'jq -e "[.[] | select(.[0] == \"bus\" or .[0] == \"journal\") | .[1]] == [\"good\", \"good\"]" \
                "$CASE_OUT/last.txt" >/dev/null'

# ---- the journal ----

ok "the move is told, the name escaped" wait_until 60 eval \
        'daemon_journal -o cat | grep -F "moved $shown[$pid] node1 to node0: " >/dev/null'
# Not with --after-cursor, which skips the first record where the cursor's own does not match.
record=(journalctl --no-pager MESSAGE_ID=96f1140983f94daf953aba79ae1e4d37 "NUMABALANCER_PID=$pid")
"${record[@]}" -x -o verbose >"$CASE_OUT/verbose.txt"
for field in "PRIORITY=6" "NUMABALANCER_PID=$pid" "NUMABALANCER_COMM=$shown" "NUMABALANCER_JOB=1" \
        "NUMABALANCER_UNIT=$unit_shown" "NUMABALANCER_FROM_NODE=1" "NUMABALANCER_TO_NODE=0" "NUMABALANCER_PAGES_FAILED=0" \
        "NUMABALANCER_SOURCE=clock" "NUMABALANCER_REASON=done"; do
        ok "verbose: $field" grep -qF "    $field" "$CASE_OUT/verbose.txt"
done
for field in STARTTIME PAGES_MOVED PAGES_RETRY BYTES_MOVED PASSES DURATION_USEC SCORE; do
        ok "verbose: $field" grep -qE "    NUMABALANCER_$field=[0-9.]+" "$CASE_OUT/verbose.txt"
done
ok "nothing was sent as binary data" eval \
        '! daemon_journal -o json | jq -e "select(any(.[]; type == \"array\" and
                (.[0] | type) == \"number\"))" >/dev/null'
"${record[@]}" -x >"$CASE_OUT/explained.txt"
ok "journalctl -x: the subject" \
        grep -qF "Subject: The memory of $shown was moved to node 0" "$CASE_OUT/explained.txt"
ok "journalctl -x: what happened" grep -qF "Process $pid ($shown) used memory on node 1" "$CASE_OUT/explained.txt"
ok "journalctl -x: what to do" grep -qF "Nothing has to be done" "$CASE_OUT/explained.txt"
ok "each record in the journal has an entry in the catalog" eval \
        '[ -z "$(comm -23 <(daemon_journal _COMM=numabalancerd -o json | jq -r ".MESSAGE_ID // empty" | sort -u) \
                <(journalctl --list-catalog | cut -d" " -f1 | sort -u))" ]'

# ---- the report; the host opens it ----

ok "an hour has begun" wait_until 40 eval '[ "$(numabalancerctl history --json | jq length)" -ge 2 ]'
same_time() { # the page and its data tell of one moment: nothing has changed around it
        local what='{history, nodes, migrations, processes}'
        numabalancerctl report --json "$CASE_OUT/report.json" &&
                numabalancerctl report "$CASE_OUT/report.html" &&
                numabalancerctl report --json /run/later.json &&
                [ "$(jq "$what" "$CASE_OUT/report.json")" = "$(jq "$what" /run/later.json)" ]
}
ok "report and its data" wait_until 60 same_time
ok "the name is text in it" grep -qF 'v [1]\x0a\x1b[31m\xff&quot;&lt;' "$CASE_OUT/report.html"

# ---- units ----

status_of 0 "systemd-analyze verify" systemd-analyze verify --man=no \
        /usr/lib/systemd/system/numabalancerd.service \
        /usr/lib/systemd/system/numabalancer-metrics.service \
        /usr/lib/systemd/system/numabalancer-metrics.timer
is "has no word against our units" "$(grep -c numabalancer "$CASE_OUT/last.txt")" 0 ||
        diag "$(cat "$CASE_OUT/last.txt")"
prom=/var/lib/prometheus/node-exporter/numabalancer.prom
ok "the metrics service writes" systemctl start numabalancer-metrics.service
is "what runs" "$(grep '^numabalancer_up' $prom)" "numabalancer_up 1"

# ---- stopped ----

ok "stops cleanly" stop_daemon
for verb in status "status --json" processes "why 1" "top --json" "migrate $pid --to 0" doctor \
        "report $CASE_OUT/none.html"; do
        # shellcheck disable=SC2086
        status_of 3 "stopped: $verb" numabalancerctl $verb
        ok "says so" says '^numabalancerd is not running'
done
ok "no report is left behind" [ ! -e "$CASE_OUT/none.html" ]
status_of 1 "stopped: busctl introspect" busctl introspect org.numabalancer1 /org/numabalancer1
status_of 1 "stopped: gdbus call" "${call[@]}" org.numabalancer1.Manager.GetStats
ok "stopped: the metrics timer" systemctl start numabalancer-metrics.timer
ok "tells that it is down" wait_until 20 grep -qx 'numabalancer_up 0' $prom
systemctl stop numabalancer-metrics.timer
sleep 1
is "and nobody started it" "$(systemctl is-active numabalancerd)" inactive
is "nothing restarts" "$(systemctl show --value -p NRestarts numabalancerd)" 0
kill -USR1 "$pid"
ok "the victim's memory is intact" wait_until 60 grep -q '^checksum.* ok' /run/hostile.log
systemctl stop "$unit"
