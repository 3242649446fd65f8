# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs case scripts: several in one boot, those with the same machine together; prints TAP."""

import dataclasses
import glob
import os
import re
import shlex
import time

from . import boot, kernel
from .machine import Shape
from .util import EXIT_FAILED, EXIT_SKIP, EXIT_USAGE, LabError, VM_DIR, parse_size, say

BOOT_SECONDS = 150
TAP = re.compile(r"^(not ok|ok)\b\s*[0-9]*\s*(?:-\s*)?(.*)$")


@dataclasses.dataclass
class Case:
    """A case script on one machine."""

    name: str
    path: str
    shape: Shape
    timeout: int
    stage: bool

    @property
    def label(self):
        shape = self.shape
        text = f"{self.name} [kernel {shape.kernel}, {shape.nodes}x{shape.cpus_per_node}"
        if shape.memory_node:
            text += "+memory"
        if shape.balancing == "on":
            text += ", balancing"
        return text + "]"


class Tap:
    """Numbers and counts the results."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def _line(self, good, text):
        number = self.passed + self.failed + self.skipped
        print(f"{'ok' if good else 'not ok'} {number} - {text}", flush=True)

    def result(self, good, text):
        if good and "# SKIP" in text:
            self.skipped += 1
        elif good:
            self.passed += 1
        else:
            self.failed += 1
        self._line(good, text)

    def skip(self, text, reason):
        self.result(True, f"{text} # SKIP {reason}")

    @staticmethod
    def comment(text):
        print(f"# {text}", flush=True)


def _yes(value):
    return value in ("yes", "1", "true", "on")


def _shape_values(words, where):
    """The `# lab:` line: key=value words."""
    shape = {}
    rest = {"kernel": ",".join(kernel.REQUIRED), "timeout": 300, "stage": False,
            "long": False}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise LabError(f"{where}: '{word}' is not key=value", EXIT_USAGE)
        if key in ("nodes", "penalty", "distance", "cpus_per_node"):
            shape[key] = int(value)
        elif key == "mem":
            shape[key] = parse_size(value)
        elif key == "memory_node":
            shape[key] = _yes(value)
        elif key in ("balancing", "append", "distances"):
            shape[key] = value
        elif key == "kernel":
            rest[key] = value
        elif key == "timeout":
            rest[key] = int(value)
        elif key in ("stage", "long"):
            rest[key] = _yes(value)
        else:
            raise LabError(f"{where}: unknown key '{key}'", EXIT_USAGE)
    return shape, rest


def load_case(path, kernels, wanted_long):
    """One Case for each `# lab:` line and kernel; a script without such a line has the defaults.
    Lines with long=yes count if wanted_long, the others if not; None: all."""
    name = os.path.basename(path).removesuffix(".sh")
    with open(path, encoding="utf-8") as handle:
        headers = [line[6:].strip() for line in handle if line.startswith("# lab:")] or [""]
    cases = []
    for header in headers:
        shape, rest = _shape_values(shlex.split(header), path)
        if wanted_long not in (None, rest["long"]):
            continue
        wanted = list(kernel.SUITES) if rest["kernel"] == "all" else rest["kernel"].split(",")
        for version in wanted:
            if kernels and version not in kernels:
                continue
            cases.append(Case(name, path, Shape(kernel=version, **shape), rest["timeout"],
                              rest["stage"]))
    return cases


def find_cases(names, kernels):
    paths = []
    for name in names:
        if name in ("all", "long"):
            paths += [(path, name == "long")
                      for path in sorted(glob.glob(os.path.join(VM_DIR, "cases", "*.sh")))]
        elif os.path.isfile(name):
            paths.append((name, None))
        elif os.path.isfile(os.path.join(VM_DIR, "cases", name.removesuffix(".sh") + ".sh")):
            paths.append((os.path.join(VM_DIR, "cases", name.removesuffix(".sh") + ".sh"), None))
        else:
            raise LabError(f"no case '{name}'", EXIT_USAGE)
    return [case for path, wanted in paths for case in load_case(path, kernels, wanted)]


class _Session:
    """Follows one boot's output and turns it into results."""

    def __init__(self, tap, cases):
        self._tap = tap
        self._left = {case.name: case for case in cases}
        self.current = None
        self._good = self._bad = 0
        self._began = 0.0

    @property
    def left(self):
        return list(self._left.values())

    def line(self, text):
        if text.startswith("\x1ecase-begin "):
            self.current = self._left.get(text.split()[1])
            self._good = self._bad = 0
            self._began = time.monotonic()
            return
        if text.startswith("\x1ecase-end ") and self.current:
            self.end_case(int(text.split()[2]))
            return
        match = TAP.match(text) if self.current else None
        if not match:
            self._tap.comment(text.removeprefix("# "))
            return
        good = match.group(1) == "ok"
        self._good += good
        self._bad += not good
        self._tap.result(good, f"{self.current.label}: {match.group(2)}")

    def end_case(self, status, reason=""):
        label = self.current.label
        self._tap.comment(f"{label}: {time.monotonic() - self._began:.0f} s")
        del self._left[self.current.name]
        self.current = None
        if reason:
            self._tap.result(False, f"{label}: {reason}")
        elif status in (124, 137):
            self._tap.result(False, f"{label}: ended by its time-out")
        elif status != 0 and self._bad == 0:
            self._tap.result(False, f"{label}: the script ended with status {status}")
        elif self._good + self._bad == 0:
            self._tap.result(False, f"{label}: no result")


def _boot_group(tap, shape, cases, options, out):
    """One boot; returns the cases that it did not come to, the hanging one not among them."""
    session = _Session(tap, cases)
    words = " ".join(shlex.quote(f"{case.timeout}:{case.name}") for case in cases)
    files = {f"lab/cases/{case.name}.sh": case.path for case in cases}
    seconds = BOOT_SECONDS + sum(c.timeout + 20 for c in cases)
    run = boot.Run(f"/lab/run-cases {words}", out, seconds, options.stage,
                   options.tools, files, session.line)
    result = boot.boot(shape, run)
    tap.comment(f"{shape.describe()}: {result.seconds:.0f} s, files in {os.path.relpath(out)}")
    if not session.left:
        return []
    reason = result.reason or f"the machine ended with status {result.status}"
    if session.current:
        session.end_case(0, reason)
        return session.left
    # It did not even boot: trying again would only repeat that.
    for case in session.left:
        tap.result(False, f"{case.label}: {reason}")
    return []


def _run_group(tap, shape, cases, options):
    try:
        kernel.kernel(shape.kernel)
    except LabError as error:
        if error.code != EXIT_SKIP or shape.kernel in kernel.REQUIRED:
            raise
        for case in cases:
            tap.skip(case.label, str(error))
        return
    name = (f"{shape.kernel}-{shape.nodes}x{shape.cpus_per_node}{'m' if shape.memory_node else ''}"
            f"-{shape.mem >> 20}M-p{shape.penalty}-{shape.balancing}"
            f"{'-distances' if shape.distances else ''}")
    attempt = 0
    while cases:
        attempt += 1
        out = os.path.join(options.out, name if attempt == 1 else f"{name}-{attempt}")
        cases = _boot_group(tap, shape, cases, options, out)


def run(options):
    tap = Tap()
    groups = {}
    for case in find_cases(options.cases or ["all"], options.kernel):
        if case.stage and not options.stage:
            tap.skip(case.label, "needs --stage, the installed daemon")
        else:
            groups.setdefault(case.shape, []).append(case)
    for shape in sorted(groups, key=lambda s: (s.kernel != "6.1", s.kernel, s.nodes, s.mem)):
        try:
            _run_group(tap, shape, groups[shape], options)
        except LabError as error:
            say(error)
            for case in groups[shape]:
                tap.result(False, f"{case.label}: {error}")
    total = tap.passed + tap.failed + tap.skipped
    print(f"1..{total}")
    print(f"# vm: {tap.passed} passed, {tap.failed} failed, {tap.skipped} skipped", flush=True)
    return EXIT_FAILED if tap.failed or not total else 0
