# SPDX-License-Identifier: GPL-2.0-or-later
"""What every part of the lab needs: messages, the cache directory, locks, atomic files."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SKIP = 75
EXIT_LAB = 70
EXIT_TIMEOUT = 124

VM_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class LabError(Exception):
    """Something the user must know in one line; code is the exit status."""

    def __init__(self, message, code=EXIT_LAB):
        super().__init__(message)
        self.code = code


def say(message):
    print(f"lab: {message}", file=sys.stderr, flush=True)


def cache_dir():
    base = os.environ.get("NUMABALANCER_CACHE")
    if not base:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        base = os.path.join(home, "numabalancer")
    os.makedirs(base, exist_ok=True)
    return base


@contextlib.contextmanager
def locked(name):
    """One builder at a time for the cache entry `name`; waits for the other one."""
    path = os.path.join(cache_dir(), f".{name}.lock")
    with open(path, "w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def atomic_file(path):
    """A temporary name beside `path`, renamed onto it when the block ends well."""
    handle, temporary = tempfile.mkstemp(prefix=".new-", dir=os.path.dirname(path))
    os.close(handle)
    try:
        yield temporary
        os.chmod(temporary, 0o644)
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


@contextlib.contextmanager
def atomic_dir(path):
    """As atomic_file, for a directory."""
    temporary = tempfile.mkdtemp(prefix=".new-", dir=os.path.dirname(path))
    try:
        yield temporary
        os.chmod(temporary, 0o755)
        shutil.rmtree(path, ignore_errors=True)
        os.rename(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def need(program, package):
    found = shutil.which(program)
    if not found:
        raise LabError(f"{program} not found: install the Debian package {package}")
    return found


def output_of(argv, **options):
    """The standard output of a program that must succeed, as text."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv[:3])} failed with status {done.returncode}")
    return done.stdout


def parse_size(text):
    """Bytes of '1536M', '1G', '4096'."""
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    scale = units.get(text[-1:].upper(), 1)
    digits = text[:-1] if scale != 1 else text
    if not digits.isdigit() or int(digits) == 0:
        raise LabError(f"'{text}' is not a size such as 1536M", EXIT_USAGE)
    return int(digits) * scale
