#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Totals of a meson test log (JSON lines), as tab-separated rows for tests/run.sh.

synthesis TEXT      Criterion's own line of totals
passed N            tests passed in one program
failed N NAME       tests failed in it
skip 0 TEXT         one skip, with what it names as missing
"""
import json
import re
import sys

SYNTHESIS = re.compile(
    r"Synthesis: Tested: *(\d+) *\| *Passing: *(\d+) *\| *Failing: *(\d+) *\| *Crashing: *(\d+)")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
SKIPPED = re.compile(r"^\[SKIP\] *(.*)$|^\s*ok\b.*# SKIP *(.*)$", re.M | re.I)


def row(*fields):
    print("\t".join(str(f).replace("\t", " ").replace("\n", " ") for f in fields))


def report(test):
    text = ANSI.sub("", (test.get("stdout") or "") + (test.get("stderr") or ""))
    name, good = test["name"], test["result"] in ("OK", "SKIP", "EXPECTEDFAIL")
    totals = SYNTHESIS.findall(text)
    tap_ok = re.findall(r"^ok\b(?!.*# SKIP)", text, re.M)
    tap_bad = re.findall(r"^not ok\b(?!.*# TODO)", text, re.M)
    if totals:
        for tested, passing, failing, crashing in totals:
            row("synthesis", f"{name}: Synthesis: Tested: {tested} | Passing: {passing} | "
                             f"Failing: {failing} | Crashing: {crashing}")
            row("passed", passing)
            bad = int(failing) + int(crashing)
            if bad or not good:
                row("failed", max(bad, 1), name)
            if int(tested) == 0:
                row("failed", 1, f"{name}: no test ran")
    elif tap_ok or tap_bad:
        row("passed", len(tap_ok))
        if tap_bad or not good:
            row("failed", max(len(tap_bad), 1), name)
    elif test["result"] == "SKIP":
        pass
    else:
        row(*(("passed", 1) if good else ("failed", 1, name)))
    skips = [a or b for a, b in SKIPPED.findall(text)]
    if test["result"] == "SKIP" and not skips:
        skips = [text.strip().splitlines()[-1] if text.strip() else "no reason given"]
    for skip in skips:
        row("skip", 0, f"{name}: {skip}")


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as f:
        tests = [json.loads(line) for line in f if line.strip()]
    if not tests:
        sys.exit("no test in the log")
    for test in tests:
        report(test)


main()
