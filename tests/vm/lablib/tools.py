# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's own programs: from a meson build directory, or compiled here and cached."""

import hashlib
import os
import subprocess

from .util import LabError, VM_DIR, atomic_dir, cache_dir, locked, need

SOURCES = {
    "oracle.so": ["oracle/oracle.c"],
    "labtool": ["guest/labtool.c"],
    "victim": ["victims/victim.c", "victims/options.c", "victims/memory.c",
               "victims/patterns.c", "victims/remap.c"],
}
HEADERS = ["oracle/layout.h", "victims/victim.h",
           "oracle/qemu-plugin-v1.h"]
FLAGS = ["-O2", "-g1", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"]
GUEST_PROGRAMS = ["labtool", "victim"]
# These link the daemon's libraries, so only a build directory has them.
BUILD_PROGRAMS = ["mover-drive", "observe-print", "source-probe"]


def _key():
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    for name in sorted({s for sources in SOURCES.values() for s in sources} | set(HEADERS)):
        with open(os.path.join(VM_DIR, name), "rb") as handle:
            digest.update(handle.read())
    return digest.hexdigest()[:16]


def _compile(directory):
    compiler = need(os.environ.get("CC", "cc"), "gcc")
    for name, sources in SOURCES.items():
        shared = ["-shared", "-fPIC", "-fvisibility=hidden"] if name.endswith(".so") else []
        argv = [compiler, *FLAGS, *shared, "-o", os.path.join(directory, name),
                *(os.path.join(VM_DIR, s) for s in sources), "-lpthread"]
        if subprocess.run(argv, check=False).returncode != 0:
            raise LabError(f"compiling {name} failed")


def guest_programs(directory):
    """Names of the programs of the directory that belong into the guest."""
    return GUEST_PROGRAMS + [name for name in BUILD_PROGRAMS
                             if os.path.exists(os.path.join(directory, name))]


def tools(given=None):
    """The directory with the compiled programs."""
    if given:
        missing = [n for n in SOURCES if not os.path.exists(os.path.join(given, n))]
        if missing:
            raise LabError(f"{given} has no {missing[0]}: build it first")
        return given
    path = os.path.join(cache_dir(), f"tools-{_key()}")
    with locked("tools"):
        if not os.path.isdir(path):
            with atomic_dir(path) as temporary:
                _compile(temporary)
    return path
