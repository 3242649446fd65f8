# SPDX-License-Identifier: GPL-2.0-or-later
"""One boot of the machine: pack what changes from run to run, run QEMU, bring the results home."""

import contextlib
import dataclasses
import io
import os
import re
import selectors
import shlex
import shutil
import signal
import struct
import subprocess
import tempfile
import time

from . import cpio, image, kernel, machine
from .tools import guest_programs, tools
from .util import EXIT_LAB, EXIT_TIMEOUT, LabError, VM_DIR, say

GUEST_FILES = ["agent", "check-exposition", "check-screen", "lib.sh", "run-cases"]
# A disk in memory, to swap to. Nothing loads it but a case that wants it.
GUEST_MODULES = ["brd"]
# Bookworm and later merge these into /usr; a directory of that name would replace the link.
MERGED = ("bin", "sbin", "lib", "lib64")
MAGIC = 0x31656C6361726F6E
ORACLE_BYTES = 0x100000


@dataclasses.dataclass
class Run:
    """What to do in one boot besides the machine's shape."""

    command: str
    out: str
    timeout: float = 600.0
    stage: str | None = None
    tools: str | None = None
    files: dict = dataclasses.field(default_factory=dict)
    on_line: object = None


@dataclasses.dataclass
class Result:
    status: int
    seconds: float
    boot_seconds: float | None = None
    reason: str = ""


def _inside(name):
    head, _, rest = name.partition("/")
    return f"usr/{name}" if head in MERGED and rest else name


class _Overlay(cpio.Writer):
    """Puts every file where Debian's merged /usr has it."""

    def directory(self, name, mode=0o755, uid=0, gid=0):
        if name and name not in MERGED:
            super().directory(_inside(name), mode, uid, gid)

    def entry(self, name, *words, **options):
        super().entry(_inside(name), *words, **options)


def _overlay(out, shape, run):
    """The second archive: programs of the lab, the stage, the command."""
    writer = _Overlay(out)
    guest = os.path.join(VM_DIR, "guest")
    programs = tools(run.tools)
    for name in ("lab.service", "lab.target"):
        with open(os.path.join(guest, name), "rb") as handle:
            writer.file(f"etc/systemd/system/{name}", handle.read())
    for name in GUEST_FILES:
        with open(os.path.join(guest, name), "rb") as handle:
            writer.file(f"lab/{name}", handle.read(), 0o755)
    for name in guest_programs(programs):
        with open(os.path.join(programs, name), "rb") as handle:
            writer.file(f"lab/bin/{name}", handle.read(), 0o755)
    if run.stage:
        if not os.path.isdir(run.stage):
            raise LabError(f"the stage {run.stage} is no directory")
        writer.tree(run.stage)
    for name, source in run.files.items():
        with open(source, "rb") as handle:
            writer.file(name, handle.read(), 0o755 if os.access(source, os.X_OK) else 0o644)
    for name in GUEST_MODULES:
        data = kernel.module(shape.kernel, name)
        if data:
            writer.file(f"lab/modules/{name}.ko", data)
    writer.file("lab/env", _environment(shape))
    writer.file("lab/command", run.command + "\n")
    writer.end()


def _environment(shape):
    values = {
        "LAB_NODES": shape.nodes, "LAB_CPUS_PER_NODE": shape.cpus_per_node,
        "LAB_MEMORY_NODES": shape.memory_nodes, "LAB_MEM_BYTES": shape.mem,
        "LAB_KERNEL": shape.kernel, "LAB_BALANCING": shape.balancing,
        "LAB_PENALTY": shape.penalty, "LAB_ORACLE": "yes" if shape.oracle else "no",
        "LAB_INSTRUCTIONS": "yes" if shape.instructions else "no",
    }
    return "".join(f"export {name}={shlex.quote(str(value))}\n" for name, value in values.items())


def _pack_initrd(path, shape, run):
    with open(path, "wb") as out:
        with open(image.image(), "rb") as base:
            shutil.copyfileobj(base, out, 1 << 24)
        out.write(b"\0" * (-out.tell() % 512))
        second = io.BytesIO()
        _overlay(second, shape, run)
        out.write(second.getvalue())


def _unpack_results(shared, out):
    """What the guest left in the mailbox; nothing when it did not get that far."""
    with open(shared, "rb") as handle:
        handle.seek(ORACLE_BYTES)
        magic, size = struct.unpack("<QQ", handle.read(16))
        if magic != MAGIC or size > machine.SHARED_BYTES:
            return False
        data = handle.read(size)
    unzip = subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=False)
    done = subprocess.run(["tar", "-C", out, "--no-same-owner", "-xf", "-"], input=unzip.stdout,
                          check=False)
    return unzip.returncode == 0 and done.returncode == 0


def _console_says(path):
    """The kernel's own reason when it gave one, else the last line."""
    with contextlib.suppress(OSError):
        with open(path, "rb") as handle:
            for line in handle.read().decode(errors="replace").splitlines():
                if re.search(r"Kernel panic|BUG:|Oops|soft lockup|Out of memory", line):
                    return line.strip()
    return _last_line(path)


def _last_line(path):
    with contextlib.suppress(OSError):
        with open(path, "rb") as handle:
            lines = [l for l in handle.read().decode(errors="replace").splitlines() if l.strip()]
            if lines:
                return lines[-1].strip()
    return "nothing"


class _Stream:
    """Lines of the guest's second serial port; control lines begin with 0x1e."""

    def __init__(self, run, started):
        self._rest = b""
        self._run = run
        self._started = started
        self.status = None
        self.boot_seconds = None
        self.last = "nothing"

    def feed(self, data):
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._line(line.decode(errors="replace").rstrip("\r"))

    def end(self):
        if self._rest:
            self._line(self._rest.decode(errors="replace"))
            self._rest = b""

    def _line(self, text):
        if not text.startswith("\x1e"):
            self.last = text
            self._run.on_line(text)
            return
        word, _, value = text[1:].partition(" ")
        if word == "lab-exit":
            self.status = int(value)
        elif word == "lab-booted":
            self.boot_seconds = time.monotonic() - self._started
            say(f"booted in {self.boot_seconds:.0f} s")
        elif word == "lab-note":
            say(value)
        else:
            self._run.on_line(text)


def _watch(child, stream, deadline):
    """Reads until the guest is gone; False when the time is over."""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if not selector.select(min(left, 1.0)):
                if child.poll() is not None:
                    return True
                continue
            data = os.read(child.stdout.fileno(), 65536)
            if not data:
                return True
            stream.feed(data)


def _run_qemu(argv, run):
    started = time.monotonic()
    stream = _Stream(run, started)
    with open(os.path.join(run.out, "qemu.log"), "w", encoding="utf-8") as errors, \
            subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=errors, start_new_session=True) as child:
        try:
            in_time = _watch(child, stream, started + run.timeout)
        finally:
            if child.poll() is None and stream.status is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(10)
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
        child.wait()
    stream.end()
    seconds = time.monotonic() - started
    console = _console_says(os.path.join(run.out, "console.log"))
    if stream.status is not None:
        return Result(stream.status, seconds, stream.boot_seconds)
    if not in_time:
        return Result(EXIT_TIMEOUT, seconds, stream.boot_seconds,
                      f"no end after {run.timeout:.0f} s; last output: {stream.last}; "
                      f"console: {console}")
    return Result(EXIT_LAB, seconds, stream.boot_seconds,
                  f"the machine ended without a result; console: {console}; "
                  f"QEMU said: {_last_line(os.path.join(run.out, 'qemu.log'))}")


def boot(shape, run):
    """Boots, runs, fetches; the result carries the command's status."""
    shape.check()
    if run.on_line is None:
        run.on_line = lambda text: print(text, flush=True)
    os.makedirs(run.out, exist_ok=True)
    run.out = os.path.abspath(run.out)
    bzimage = kernel.kernel(shape.kernel)
    with tempfile.TemporaryDirectory(prefix="lab-", dir=_scratch()) as scratch:
        initrd = os.path.join(scratch, "initrd")
        shared = os.path.join(scratch, "shared")
        _pack_initrd(initrd, shape, run)
        with open(shared, "wb") as handle:
            handle.truncate(machine.SHARED_BYTES)
        plugin = os.path.join(tools(run.tools), "oracle.so")
        argv = machine.command_line(shape, bzimage, initrd, plugin, shared, run.out)
        with open(os.path.join(run.out, "qemu.cmd"), "w", encoding="utf-8") as handle:
            handle.write(shlex.join(argv) + "\n")
        say(shape.describe())
        result = _run_qemu(argv, run)
        if not _unpack_results(shared, run.out):
            say("the machine left no files")
    if result.reason:
        say(result.reason)
    return result


def _scratch():
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
