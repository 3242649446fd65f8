# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs test suites and adds up their totals; sourced by ./dev test. Uses its functions (need, need_vm, need_promtool,
# say, cmd_build, stage, configure) and variables (top, build, web_packages).
# shellcheck disable=SC2154

passed=0
failed=0
skipped=0
broken=()

# Skips that are allowed, one extended regular expression a line, matched against "SUITE: TEXT".
expected_skips=$top/tests/expected-skips

count_skip() { # SUITE TEXT
        skipped=$((skipped + 1))
        # Several patterns, a line each, are alternatives to grep.
        if grep -qE -- "$(grep -vE '^(#|$)' "$expected_skips")" <<<"$1: $2"; then
                echo "   expected skip: $1: $2"
        elif [ -n "${CI:-}" ]; then
                failed=$((failed + 1))
                broken+=("$1: unexpected skip: $2")
        else
                echo "   skip: $1: $2"
        fi
}

# Runs one meson suite and counts: Criterion's own synthesis lines where there are any, TAP lines of
# scripts, otherwise one test per program.
run_meson_suite() { # SUITE BUILD-DIR
        local suite=$1 dir=$2 status=0
        say "suite $suite"
        # Limits are for what hangs: machines are shared, and sanitizers take five times as long.
        meson test -C "$dir" --no-rebuild --timeout-multiplier 5 --suite "$suite" --print-errorlogs \
                --logbase "log-$suite" >"$dir/out-$suite.txt" 2>&1 || status=$?
        grep -E '^ *[0-9]+/[0-9]+ ' "$dir/out-$suite.txt" || true
        [ "$status" -eq 0 ] || cat "$dir/out-$suite.txt"
        local totals
        totals=$(python3 "$top/tests/totals.py" "$dir/meson-logs/log-$suite.json") ||
                { broken+=("$suite: no totals"); failed=$((failed + 1)); return; }
        local kind a b
        while IFS=$'\t' read -r kind a b; do
                case $kind in
                synthesis) echo "$a" ;;
                passed) passed=$((passed + a)) ;;
                failed)
                        failed=$((failed + a))
                        broken+=("$suite: $b")
                        ;;
                skip) count_skip "$suite" "$b" ;;
                esac
        done <<<"$totals"
}

run_sanitize() {
        say "suite sanitize: the unit tests under address and undefined-behaviour sanitizers"
        local dir=$build-asan
        configure "$dir" -Dvm=disabled -Dman=disabled -Db_sanitize=address,undefined \
                -Dbuildtype=debug -Db_lundef=false
        meson compile -C "$dir" --ninja-args=--quiet >&2
        ASAN_OPTIONS=abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
                run_meson_suite unit "$dir"
}

# What a real daemon wrote in the guest, judged by programs that only the host has. The picture of the
# page stays in build/.
check_guest_output() {
        local dir
        for dir in "$build"/vm-out/*/21-insight; do
                [ -e "$dir/report.json" ] || continue
                need "${web_packages[@]}"
                need_promtool
                say "the guest's report page and metrics: $dir"
                if /usr/bin/python3 "$top/tests/web/test-report.py" "$dir/report.html" \
                        "$dir/report.json" "$build/report-vm.png" >"$dir/report.tap" 2>&1 &&
                        promtool check metrics <"$dir/metrics.prom"; then
                        passed=$((passed + $(grep -c '^ok ' "$dir/report.tap") + 1))
                else
                        cat "$dir/report.tap"
                        failed=$((failed + 1))
                        broken+=("vm: the report page or the metrics in $dir")
                fi
        done
}

run_vm() { # all or long
        say "suite vm: $1 cases on the virtual NUMA machine"
        need_vm
        local staged out=$build/vm-$1.tap status=0
        staged=$(stage)
        rm -rf "$build/vm-out"
        "$top/tests/vm/lab" test --build "$build" --stage "$staged" --out "$build/vm-out" \
                "$1" | tee "$out" || status=$?
        local ok not_ok text
        ok=$(grep -cE '^ok ' "$out") || true
        not_ok=$(grep -cE '^not ok ' "$out") || true
        while IFS= read -r text; do
                [ -n "$text" ] || continue
                ok=$((ok - 1))
                count_skip vm "$text"
        done < <(grep -E '^ok .*# SKIP' "$out" | sed -E 's/^ok [0-9]* *-? *//')
        passed=$((passed + ok))
        failed=$((failed + not_ok))
        [ "$not_ok" -eq 0 ] || broken+=("vm: $not_ok not ok")
        check_guest_output
        if [ "$status" -ne 0 ] && [ "$not_ok" -eq 0 ]; then
                failed=$((failed + 1))
                broken+=("vm: the lab ended with status $status")
        fi
        if [ $((ok + not_ok)) -eq 0 ]; then
                failed=$((failed + 1))
                broken+=("vm: no case ran")
        fi
}

run_suites() {
        local suites=("$@") suite began
        [ ${#suites[@]} -gt 0 ] || suites=(check unit replay fuzz bench bus web bpf slow sanitize vm)
        cmd_build
        for suite in "${suites[@]}"; do
                began=$SECONDS
                case $suite in
                check | unit | replay | fuzz | bench | bpf) run_meson_suite "$suite" "$build" ;;
                bus)
                        need_promtool
                        run_meson_suite bus "$build"
                        ;;
                slow)
                        need "${slow_packages[@]}"
                        run_meson_suite slow "$build"
                        ;;
                web)
                        need "${web_packages[@]}"
                        run_meson_suite web "$build"
                        ;;
                sanitize) run_sanitize ;;
                vm) run_vm all ;;
                vm-long) run_vm long ;;
                *) die "no such suite: $suite" ;;
                esac
                echo "   suite $suite: $((SECONDS - began)) s"
        done
        [ ${#broken[@]} -eq 0 ] || printf 'FAILED %s\n' "${broken[@]}"
        [ "$skipped" -eq 0 ] || echo "# $skipped skipped"
        echo "$passed passed, $failed failed"
        [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
