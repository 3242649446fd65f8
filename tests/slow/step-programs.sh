#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Traces one of Debian's programs at real work with the step oracle:
#   step-programs.sh STEP_ORACLE STEPS LIMIT_PERCENT PROGRAM
set -euo pipefail
oracle=$(realpath -- "$1") steps=$2 limit=$3 program=$4

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# A database reads its log of commands back when it starts: the same work as for a client. The server
# of Debian is the same file as the checker, told by its name.
command_of_log() { # WORD...
        local word
        printf '*%d\r\n' $#
        for word in "$@"; do printf '$%d\r\n%s\r\n' ${#word} "$word"; done
}

redis_log() {
        local i
        for i in $(seq 1 300); do
                command_of_log SET "key$i" "value$i"
                command_of_log ZADD zset "$i" "member$i"
                command_of_log HSET hash "field$i" "value$i"
                command_of_log RPUSH list "item$i"
        done
}

source_file() {
        local i
        for i in $(seq 1 40); do
                printf 'struct s%d { struct s%d *next; int v; };\n' "$i" "$i"
                printf 'int f%d(struct s%d *p, int k) { int n = 0;\n' "$i" "$i"
                printf '  for (; p; p = p->next) n += p->v * k + %d; return n; }\n' "$i"
        done
}

case $program in
sh)
        for i in $(seq 1 200); do : >"file$i"; done
        # shellcheck disable=SC2016
        set -- sh -c 'for i in *; do case $i in *7*) set -- "$@" "$i" ;; esac; done
                i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); x="$x${i%0}"; x=${x#?????}; done'
        ;;
python3)
        set -- python3 -c '
import json, re
data = [{"n": i, "s": str(i) * 3} for i in range(20000)]
text = json.dumps(data)
print(len(re.findall("[0-9]+7", text)), len(sorted(json.loads(text), key=lambda d: d["s"])))'
        ;;
redis)
        server=$(command -v redis-check-rdb) || { echo "redis-tools is not installed"; exit 77; }
        ln -s "$server" redis-server
        mkdir appendonlydir
        redis_log >appendonlydir/appendonly.aof.1.incr.aof
        echo 'file appendonly.aof.1.incr.aof seq 1 type i' >appendonlydir/appendonly.aof.manifest
        set -- ./redis-server --port 0 --unixsocket "$dir/socket" --save '' --appendonly yes \
                --dir "$dir" --daemonize no
        ;;
cc1)
        # What the driver gcc runs to compile.
        source_file >file.c
        set -- "$(gcc -print-prog-name=cc1)" -quiet -O2 file.c -o file.s
        ;;
*)
        echo "unknown program $program"
        exit 2
        ;;
esac
"$oracle" "$steps" "$limit" "$@"
