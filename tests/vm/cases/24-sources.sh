#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which sources and BPF programs work on which kernel: a table, and a failure where one that worked
# does not. The processor is emulated and has no PMU, so pebs and ibs are absent; their programs run on
# page faults, which tell an address too.
# lab: nodes=2 mem=1G kernel=all timeout=300

# shellcheck source=tests/vm/guest/lib.sh
. /lab/lib.sh

command -v source-probe >/dev/null ||
        skip_all "source-probe is not built: it links the daemon's libraries"
release=$(uname -r)
table=$CASE_OUT/sources.tsv
ok "source-probe runs" eval 'source-probe >"$table"' || exit

state_of() { awk -F'\t' -v name="$1" '$1 == name { print $2 }' "$table"; }
reason_of() { awk -F'\t' -v name="$1" '$1 == name { print $3 }' "$table"; }

names=$(cut -f 1 "$table")
diag "| kernel |$(printf ' %s |' $names)"
diag "| ${release%%-*} |$(for name in $names; do printf ' %s |' "$(state_of "$name")"; done)"
while IFS=$'\t' read -r name state reason; do
        diag "$name: $state: $reason"
done <"$table"

for name in clock residency precise-programs policies; do
        is "$name" "$(state_of "$name")" works
done
for name in pebs ibs; do
        is "$name without a PMU" "$(state_of "$name")" absent
        ok "$name: the reason is told" grep -q "^$name.*because of the $name source: " "$table"
done
case $release in
5.*) is "policies of" "$(reason_of policies)" "threads only" ;;
*) is "policies of" "$(reason_of policies)" "threads and mappings" ;;
esac
