# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For case scripts: `. /lab/lib.sh`. Results go to standard output as TAP lines without numbers (the
# host numbers them); any other line of output is shown as a comment.
#
# Given: LAB_NODES, LAB_CPUS_PER_NODE, LAB_MEMORY_NODES, LAB_MEM_BYTES, LAB_KERNEL, LAB_BALANCING,
# LAB_PENALTY, LAB_ORACLE, LAB_INSTRUCTIONS of this machine; CASE_OUT, a directory whose files come home; CASE_NAME.

: "${CASE_NAME:=case}" "${CASE_OUT:=/lab/out/$CASE_NAME}"
mkdir -p "$CASE_OUT"
declare -A victim_pid=()
lab_failures=0

# Victims keep every virtual CPU busy, and under emulation a question takes seconds anyway: those who
# ask go first.
busctl() { nice -n -10 busctl --timeout=60 "$@"; }
journalctl() { nice -n -10 journalctl "$@"; }
jq() { nice -n -10 jq "$@"; }
labtool() { nice -n -10 labtool "$@"; }
numabalancerctl() { nice -n -10 numabalancerctl "$@"; }

# ---- results ----

# ok NAME [COMMAND...]: the command must succeed; without one the fact is already established.
ok() {
        local name=$1 status=0
        shift
        if [ $# -gt 0 ]; then
                "$@" || status=$?
        fi
        if [ "$status" -eq 0 ]; then
                echo "ok - $name"
        else
                not_ok "$name" "status $status of: $*"
                return 1
        fi
}

# not_ok NAME [WHY]
not_ok() {
        lab_failures=$((lab_failures + 1))
        echo "not ok - $1"
        [ -z "${2:-}" ] || diag "$2"
}

# is NAME FOUND WANTED
is() {
        if [ "$2" = "$3" ]; then
                echo "ok - $1"
        else
                not_ok "$1" "found '$2', wanted '$3'"
                return 1
        fi
}

# compare NAME FOUND OPERATOR LIMIT: numbers, also with fractions; operator one of < <= > >= ==
compare() {
        if [[ $2 =~ ^-?[0-9.]+(e[-+]?[0-9]+)?$ && -n $4 ]] &&
                awk -v a="$2" -v b="$4" "BEGIN { exit !(a + 0 $3 b + 0) }"; then
                echo "ok - $1 ($2 $3 $4)"
        else
                not_ok "$1" "found '$2', wanted $3 $4"
                return 1
        fi
}

# status_of CODE NAME COMMAND...: the exit status must be CODE; says REGEX: whether the command wrote that.
status_of() {
        local code=$1 name=$2 status=0
        shift 2
        "$@" >"$CASE_OUT/last.txt" 2>&1 || status=$?
        is "$name" "$status" "$code" || diag "$(cat "$CASE_OUT/last.txt")"
}

says() {
        grep -qE "$1" "$CASE_OUT/last.txt"
}

# skip NAME REASON: the reason names what is missing.
skip() {
        echo "ok - $1 # SKIP $2"
}

skip_all() {
        skip "$CASE_NAME" "$1"
        exit 0
}

diag() {
        printf '%s\n' "$*" | sed 's/^/# /'
}

# wait_until SECONDS COMMAND...: until it succeeds; false when the time is over.
wait_until() {
        local deadline=$((SECONDS + $1))
        shift
        until "$@"; do
                [ $SECONDS -lt $deadline ] || return 1
                sleep 0.25
        done
}

# ---- the truth ----

# All counts since boot, as JSON: total and victims, matrix[cpu node][memory node].
oracle() {
        labtool oracle
}

# oracle_share ID [SECONDS]: percent of the victim's accesses that are remote, watched so long (1).
oracle_share() {
        local share rest
        # shellcheck disable=SC2034 # the number of accesses, not wanted here
        read -r share rest < <(labtool share "$1" $((${2:-1} * 1000)))
        echo "$share"
}

# oracle_mark NAME, and then oracle_share_since ID NAME: the same over the time since the mark.
oracle_mark() {
        labtool save "/run/lab-mark-$1"
}

oracle_share_since() {
        local share rest
        # shellcheck disable=SC2034
        read -r share rest < <(labtool share "$1" "/run/lab-mark-$2")
        echo "$share"
}

share_at_most() { # ID PERCENT
        awk -v a="$(oracle_share "$1")" -v b="$2" 'BEGIN { exit !(a != "" && a <= b) }'
}

# wait_for_share ID PERCENT SECONDS: prints the seconds until the share was that low, for 3 s.
wait_for_share() {
        local start=$SECONDS low=0 since=0
        while [ $((SECONDS - start)) -lt "$3" ]; do
                if share_at_most "$1" "$2"; then
                        [ $low -gt 0 ] || since=$((SECONDS - start))
                        low=$((low + 1))
                        if [ $low -ge 3 ]; then
                                echo "$since"
                                return 0
                        fi
                else
                        low=0
                fi
        done
        return 1
}

# ---- victims ----

# What is started as a victim: a case may put a wrapper that execs before it, or another name.
victim_command=(victim)

# start_victim ID OPTION...: returns when it works; its options are those of tests/vm/victims.
start_victim() {
        launch_victim "$@" && await_victims "$1"
}

# The same in two steps, for many at once.
launch_victim() { # ID OPTION...
        local id=$1 log=$CASE_OUT/victim-$1.log
        shift
        rm -f "$log"
        "${victim_command[@]}" --id "$id" --progress "$CASE_OUT/victim-$id.progress" "$@" \
                >"$log" 2>&1 &
        victim_pid[$id]=$!
}

await_victims() { # ID...
        local id
        for id; do
                if ! wait_until 120 grep -q ready "$CASE_OUT/victim-$id.log"; then
                        diag "victim $id does not start: $(cat "$CASE_OUT/victim-$id.log")"
                        return 1
                fi
        done
}

victim_alive() { # ID
        kill -0 "${victim_pid[$1]}" 2>/dev/null
}

# victim_rate ID [SECONDS]: work per second, the median of the last so many seconds (5).
victim_rate() {
        tail -n "${2:-5}" "$CASE_OUT/victim-$1.progress" | awk '{ print $3 }' | sort -n |
                awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# victim_checksum ID: prints ok when its memory is what it should be, BAD when not.
victim_checksum() {
        local log=$CASE_OUT/victim-$1.log before
        before=$(grep -c ^checksum "$log")
        kill -USR1 "${victim_pid[$1]}"
        wait_until 120 eval "[ \$(grep -c ^checksum $log) -gt $before ]" || { echo none; return; }
        awk '/^checksum/ { last = $2 } END { print last }' "$log"
}

# Stopped victims keep their memory and leave the CPUs to what the case has to do.
freeze_victims() { # ID...
        local id
        for id; do
                kill -STOP "${victim_pid[$id]}"
        done
}

thaw_victims() { # ID...
        local id
        for id; do
                kill -CONT "${victim_pid[$id]}"
        done
}

end_victims() { # ID...: at once, whatever they do
        local id
        for id; do
                kill -KILL "${victim_pid[$id]}"
                wait "${victim_pid[$id]}"
                unset "victim_pid[$id]"
        done 2>/dev/null
}

# read_pages ID...: pages[ID]="NODE0 NODE1", 4 KiB pages of each window on the first two nodes.
declare -A pages=()
read_pages() {
        local id zero one
        local files=()
        for id; do
                files+=("/proc/${victim_pid[$id]}/numa_maps")
        done
        while read -r id zero one; do
                pages[$((16#$id))]="$zero $one"
        done < <(awk 'length($1) == 12 && substr($1, 1, 1) == "6" {
                        id = substr($1, 2, 1)
                        split("", n)
                        for (i = 2; i <= NF; i++) {
                                split($i, part, "=")
                                n[part[1]] = part[2]
                        }
                        zero[id] += n["N0"] * n["kernelpagesize_kB"] / 4
                        one[id] += n["N1"] * n["kernelpagesize_kB"] / 4
                }
                END { for (id in zero) print id, zero[id], one[id] }' "${files[@]}")
}

# victim_pages ID NODE: how many 4 KiB pages of its window the node has.
victim_pages() {
        awk -v window="6$(printf %x "$1")" -v node="N$2" '
                length($1) == 12 && substr($1, 1, 2) == window {
                        pages = 0
                        for (i = 2; i <= NF; i++) {
                                split($i, part, "=")
                                if (part[1] == node)
                                        pages = part[2]
                                if (part[1] == "kernelpagesize_kB")
                                        sum += pages * part[2] / 4
                        }
                }
                END { print sum + 0 }' "/proc/${victim_pid[$1]}/numa_maps"
}

# own_cpu NODE: from now on only what asks for it runs on the CPUs of that node, such as victims; until
# the end of the case.
own_cpu() {
        pin_everything "$(others_of_node "$1")"
        : >/run/lab-own-cpu
}

others_of_node() {
        local node list=
        for node in /sys/devices/system/node/node[0-9]*; do
                [ "${node##*node}" = "$1" ] || list+=",$(<"$node/cpulist")"
        done
        tr -s , <<<"$list" | sed 's/^,//; s/,$//'
}

# pin_everything CPUS: all processes; the kernel's own threads access no user memory.
pin_everything() {
        local process
        for process in /proc/[0-9]*; do
                [ "$(head -c 1 "$process/cmdline" 2>/dev/null | wc -c)" -eq 0 ] ||
                        taskset -acp "$1" "${process#/proc/}" >/dev/null 2>&1
        done
}

# victim_half_pages ID MIB HALF NODE: the same for the lower (0) or upper (1) half of a victim of so
# many MiB with swapped halves on two nodes, after victim_checksum.
victim_half_pages() {
        awk -v window="6$(printf %x "$1")" -v half="$3" -v node="N$4" \
                -v split_at="$(printf %012x $((0x600000000000 + ($1 << 40) + (2 << 20) + ($2 << 19))))" '
                length($1) == 12 && substr($1, 1, 2) == window && ($1 "" >= split_at "") == half {
                        for (i = 2; i <= NF; i++) {
                                split($i, part, "=")
                                if (part[1] == node)
                                        sum += part[2]
                        }
                }
                END { print sum + 0 }' "/proc/${victim_pid[$1]}/numa_maps"
}

stop_victim() { # ID
        [ -n "${victim_pid[$1]:-}" ] || return 0
        kill "${victim_pid[$1]}" 2>/dev/null
        wait "${victim_pid[$1]}" 2>/dev/null
        unset "victim_pid[$1]"
}

# ---- the daemon ----

bus_name=org.numabalancer1
bus_path=/org/numabalancer1
bus_interface=org.numabalancer1.Manager

have_daemon() {
        [ -n "$(systemctl list-unit-files --no-legend numabalancerd.service)" ]
}

need_daemon() {
        have_daemon || skip_all "numabalancerd is not installed in the stage"
}

# Standard input becomes the configuration file.
write_config() {
        cat >/etc/numabalancer.conf
}

start_daemon() {
        journal_cursor=$(journalctl -n 0 --show-cursor 2>/dev/null |
                sed -n 's/^-- cursor: //p')
        if ! systemctl start numabalancerd; then
                diag "$(systemctl status --no-pager -l numabalancerd 2>&1 | tail -n 20)"
                return 1
        fi
}

stop_daemon() {
        systemctl stop numabalancerd
}

# The daemon's journal since start_daemon; more options may follow (-o json, ...).
daemon_journal() {
        journalctl --no-pager -u numabalancerd \
                ${journal_cursor:+--after-cursor="$journal_cursor"} "$@"
}

journal_has() { # REGEX
        daemon_journal -o cat | grep -qE -- "$1"
}

daemon_property() { # NAME: its bare value
        busctl get-property --json=short $bus_name $bus_path $bus_interface "$1" | jq -r .data
}

property_is() { # NAME VALUE
        [ "$(daemon_property "$1" 2>/dev/null)" = "$2" ]
}

# daemon_call METHOD [SIGNATURE ARGUMENT...]: the answer as JSON
daemon_call() {
        busctl call --json=short $bus_name $bus_path $bus_interface "$@" | jq -c .data
}

# ---- what the policy thinks of victims ----

# "PID REASON STATE" of each process that the daemon looks at.
list_verdicts() {
        daemon_call ListProcesses us 500 pid |
                jq -r '.[0][] | "\(.pid.data) \(.reason.data) \(.state.data)"'
}

# Of each victim in wanted, an array of "REASON STATE" by id: found has what was wanted if it ever was
# so, else what was told last. Policies are read again each minute, and unknown for one evaluation
# then; so all need not be told at the same time.
declare -A wanted=() found=()
all_found() {
        local id pid verdict all=0
        local -A now=()
        while read -r pid verdict; do
                now[$pid]=$verdict
        done < <(list_verdicts)
        for id in "${!wanted[@]}"; do
                [ "${found[$id]:-}" != "${wanted[$id]}" ] || continue
                found[$id]=${now[${victim_pid[$id]}]:-unseen}
                [ "${found[$id]}" = "${wanted[$id]}" ] || all=1
        done
        return $all
}

await_verdicts() { # SECONDS: until all of wanted were found
        found=()
        wait_until "$1" all_found
}

# why_says ID TEXT: what `numabalancerctl why` tells, and whether that has the text.
why_says() {
        why=$(numabalancerctl why "${victim_pid[$1]}" | tr '\n' ' ')
        [[ $why == *"$2"* ]]
}

# ---- the migration engine without the daemon ----

need_mover_drive() {
        command -v mover-drive >/dev/null ||
                skip_all "mover-drive: the lab was given no build directory (--build)"
}

# drive OPTION... PID FROM TO: runs it with the rights of the daemon and reads its last line.
drive() {
        setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all,+sys_ptrace \
                --ambient-caps=-all,+sys_ptrace --bounding-set=-all,+sys_ptrace \
                mover-drive "$@" >"$CASE_OUT/drive.log" 2>&1
        drive_read
}

drive_read() {
        drive_result=$(tail -n 1 "$CASE_OUT/drive.log")
        diag "$drive_result"
}

drive_value() { # KEY of the last line
        tr ' ' '\n' <<<"$drive_result" | sed -n "s/^$1=//p"
}

drive_sum_is_right() { # NAME
        local sum=0 key
        for key in moved failed retry gone shared; do
                sum=$((sum + $(drive_value $key)))
        done
        is "$1: planned is the sum" "$(drive_value planned)" $sum
}

# ---- between cases; the runner calls it ----

lab_reset() {
        [ -e /lab/conf-saved ] || {
                mkdir -p /lab/conf-saved
                cp -a /etc/numabalancer.conf /etc/numabalancer.conf.d /lab/conf-saved/ 2>/dev/null
        }
        systemctl stop numabalancerd 2>/dev/null
        systemctl reset-failed 2>/dev/null
        rm -rf /etc/numabalancer.conf /etc/numabalancer.conf.d
        cp -a /lab/conf-saved/. /etc/
        local balancing=0
        [ "$LAB_BALANCING" != on ] || balancing=1
        [ ! -e /proc/sys/kernel/numa_balancing ] || echo $balancing >/proc/sys/kernel/numa_balancing
        echo 0 >/proc/sys/vm/nr_hugepages
        [ "$LAB_ORACLE" != yes ] || labtool penalty "$LAB_PENALTY"
        if [ -e /run/lab-own-cpu ]; then
                pin_everything "$(</sys/devices/system/cpu/online)"
                rm -f /run/lab-own-cpu
        fi
        echo 3 >/proc/sys/vm/drop_caches
}
