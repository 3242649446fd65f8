#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon's remote share against the truth, the oracle's count of every access over the same time.
# Remote accesses have no price here, so time and accesses agree.
# lab: nodes=2 mem=2G kernel=6.12 timeout=600
# lab: nodes=2 mem=2G kernel=6.1 timeout=600 long=yes
# The ceiling of the sampler's cost is raised: emulation makes each sample dear, and this case is about
# what the samples say. What the sampler costs is judged elsewhere.

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh
need_daemon

limit_points=5
samples_min=500 # decayed: 1,000 on an idle host

write_config <<'END'
mode = "observe";
sampling: { rate_hz = 299; cpu_max_percent = 100.0; };
gates:    { min_age = "1s"; };
END

# ---- what the daemon says and what is true ----

# What `show` said of a process: look PID, then estimate (percent) and weight are set. The weight is the
# number of samples, those of 10 s ago counting half.
look() {
        numabalancerctl --json show "$1" >"$CASE_OUT/show-$1.json"
        read -r estimate weight < <(jq -r \
                '"\(.remote_share * 10000 | round / 100) \(.samples | floor)"' "$CASE_OUT/show-$1.json")
}

# watch PID...: lets them run from a mark of the oracle on until each has brought enough samples: half as
# many again as are asked for, where that does not take long.
watch() {
        local started=$SECONDS pid
        oracle_mark watch
        kill -CONT "$@"
        sleep 4
        for pid; do
                until look "$pid" && [ "${weight:-0}" -ge $((samples_min * 3 / 2)) ]; do
                        [ $((SECONDS - started)) -lt 20 ] || [ "${weight:-0}" -lt $samples_min ] || break
                        [ $((SECONDS - started)) -lt 60 ] || break
                        sleep 2
                done
        done
}

between=0
# agree NAME TRUTH: the estimate looked at last is within the limit and rests on enough samples.
agree() {
        local off
        off=$(awk -v a="$estimate" -v b="$2" \
                'BEGIN { d = a - b; if (a != "" && b != "") print d < 0 ? -d : d }')
        compare "$1: estimated $estimate %, true $2 %, off by points" "$off" "<=" $limit_points
        compare "$1: samples" "$weight" ">=" $samples_min
        if awk -v b="$2" 'BEGIN { exit !(b >= 20 && b <= 80) }'; then
                between=$((between + 1))
        fi
}

# True remote percent of all that ran on node 0 since the mark.
node_share() {
        oracle_share_since node0 watch
}

# ---- preparation: node 0 belongs to the victims, all else runs on node 1 ----

own_cpu 0
declare -A made=()
prepare() { # ID NAME OPTION...: a victim that waits
        local id=$1
        made[$id]=$2
        shift 2
        start_victim "$id" --size 32M --mem-node 1 --run-node 0 "$@" || exit
        kill -STOP "${victim_pid[$id]}"
}
prepare 1 random --split 70
prepare 2 streaming --pattern stream --split 50
prepare 3 "pointer chase" --pattern chase --split 30
prepare 4 "hash look-ups" --pattern hash --split 60
prepare 5 writes --pattern write
prepare 6 "30 % writes" --pattern mix=30 --split 30
prepare 7 "60 % writes" --pattern mix=60 --split 60
prepare 8 "one of two at once, random" --split 80
prepare 9 "the other of two at once, chase" --pattern chase --split 40

oracle_mark rest
sleep 3
is "nothing runs on node 0 but what is to be watched" \
        "$(labtool share node0 /run/lab-mark-rest 2>&1)" "labtool: no access"
ok "the daemon starts" start_daemon || exit
ok "source clock" wait_until 30 property_is Source clock
is "kernel balancing" "$(daemon_property KernelBalancing)" off

# ---- one at a time, everything it accesses ----

for id in 1 2 3 4 5 6 7; do
        watch "${victim_pid[$id]}"
        truth=$(node_share)
        window=$(oracle_share_since "$id" watch)
        stop_victim "$id"
        agree "${made[$id]}" "$truth"
        diag "in the window alone $window %"
done

# ---- two at once on one CPU: their windows tell them apart ----

watch "${victim_pid[8]}" "${victim_pid[9]}"
for id in 8 9; do
        look "${victim_pid[$id]}"
        agree "${made[$id]}" "$(oracle_share_since $id watch)"
done
stop_victim 9

# ---- a change in mid-run ----

# Number 8 has 80 % of its memory far away; then all of it lies here.
changes() { daemon_call GetStats | jq '.[0].ProcessesChanged.data'; }
look "${victim_pid[8]}"
before=$estimate changes=$(changes)
migratepages "${victim_pid[8]}" 1 0
changed=$SECONDS
truth=$(oracle_share 8)
compare "after the change it is" "$truth" "<" 1
while [ $SECONDS -lt $((changed + 15)) ]; do sleep 0.2; done
look "${victim_pid[8]}"
compare "15 s later the estimate has followed from $before %" "$estimate" "<" \
        "$(awk -v t="$truth" -v l=$limit_points 'BEGIN { print t + l }')"
compare "which was told from chance" "$(changes)" ">" "$changes"
diag "changes found before, where there were none: $changes"
stop_victim 8

# ---- redis ----

# It has no window of addresses, but nothing else runs on its CPU. What is set anew comes to the node of the
# CPU little by little; little enough, by the size of the database.
socket=/run/lab-redis
taskset -c 1 redis-server --port 0 --unixsocket $socket --save '' --appendonly no \
        --daemonize no >"$CASE_OUT/redis.log" 2>&1 &
redis=$!
ok "redis answers" wait_until 60 redis-cli -s $socket ping
redis-benchmark -s $socket -t set -P 32 -d 200 -r 50000 -n 60000 -q >/dev/null
taskset -acp 0 $redis >/dev/null
redis-benchmark -s $socket -t get,set -P 32 -d 200 -r 50000 -n 100000000 -q >"$CASE_OUT/bench.log" 2>&1 &
bench=$!
sleep 2
watch $redis
# Its accesses come in bunches, one request after the other, so samples differ more than by chance: the mean of
# what the daemon says over the whole time is compared with what was true over the same time.
sum=$estimate
for _ in 1 2 3; do
        sleep 8
        look $redis
        diag "estimated $estimate %"
        sum=$(awk -v s="$sum" -v e="$estimate" 'BEGIN { print s + e }')
done
estimate=$(awk -v s="$sum" 'BEGIN { print s / 4 }')
truth=$(node_share)
kill $bench $redis
agree "redis under redis-benchmark" "$truth"
compare "workloads with a true share between 20 and 80 %" "$between" ">=" 4
ok "stops cleanly" stop_daemon
