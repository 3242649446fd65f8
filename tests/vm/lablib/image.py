# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's root file system: Debian by mmdebstrap, as one uncompressed newc archive."""

import hashlib
import os
import re
import subprocess
import sys

from . import apt, cpio
from .util import LabError, atomic_file, cache_dir, locked, need, say

HOST_PACKAGES = [
    "apt", "debian-archive-keyring", "dpkg", "gcc", "libc6-dev", "mmdebstrap", "python3",
    "qemu-system-x86", "seabios", "tar", "zstd",
]

PACKAGES = [
    "bpftool", "dbus", "jq", "libcap2-bin", "libglib2.0-bin", "linux-perf", "numactl", "numad",
    "polkitd", "procps", "python3-minimal", "redis-server", "redis-tools", "strace", "stress-ng",
    "systemd", "systemd-sysv", "udev", "zstd",
]
# The daemon's libraries carry their ABI in the package name, which differs between releases.
LIBRARIES = ["libbpf[0-9]+", "libcap2", "libconfig[0-9]+", "libjson-c[0-9]+", "libncursesw6",
             "libnuma1", "libsystemd0", "liburing2", "libzydis[0-9.]+", "libelf1(t64)?"]

# What no test looks at; each megabyte is memory of the guest and time of each boot.
LEAVE_OUT = re.compile(
    r"^(dev/.|proc/.|sys/.|run/.|tmp/.|boot/.|var/cache/apt/.|var/lib/apt/.|var/log/.|"
    r"var/lib/dpkg/info/|"
    r"usr/share/(doc|man|info|locale|lintian|bug|zoneinfo|common-licenses|bash-completion|"
    r"perl|pixmaps|i18n)/.|"
    r"usr/lib/x86_64-linux-gnu/(perl|gconv|dri)/.|usr/lib/udev/hwdb\.|etc/udev/hwdb\.|"
    r"usr/share/perl5/.|usr/lib/python3\.[0-9]+/(test|idlelib|lib2to3|ensurepip)/.|"
    r"usr/share/stress-ng/.|usr/share/polkit-1/actions/org\.freedesktop\.systemd)")

MASKED = [
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "fstrim.timer", "getty@.service", "serial-getty@.service",
    "console-getty.service", "container-getty@.service", "numad.service", "redis-server.service",
    "systemd-tmpfiles-clean.timer", "systemd-networkd.service", "systemd-resolved.service",
    "systemd-timesyncd.service", "systemd-hwdb-update.service", "systemd-firstboot.service",
    "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
    "systemd-random-seed.service", "systemd-pcrphase.service", "systemd-machine-id-commit.service",
    "systemd-journal-flush.service", "systemd-udev-settle.service", "motd-news.timer",
    "man-db.timer", "logrotate.timer", "ifupdown-pre.service",
]

# systemd sets up namespaces by pivot_root, which the kernel refuses on the initial root file
# system: so bind it over itself first and start systemd inside.
INIT = """#!/bin/sh
mount -t proc proc /proc
mount --rbind / /mnt
cd /mnt
mount --move . /
exec chroot . /lab/init2
"""
INIT2 = """#!/bin/sh
umount /proc 2>/dev/null
exec /lib/systemd/systemd "$@"
"""


def _leave_out(name):
    return bool(LEAVE_OUT.match(name))


def _additions(writer):
    for name in MASKED:
        writer.symlink(f"etc/systemd/system/{name}", "/dev/null")
    writer.symlink("etc/systemd/system/default.target", "/lib/systemd/system/multi-user.target")
    writer.file("etc/machine-id", "")
    writer.file("etc/hostname", "lab\n")
    writer.file("etc/hosts", "127.0.0.1 localhost lab\n")
    writer.file("etc/fstab", "")
    writer.file("etc/systemd/journald.conf.d/lab.conf",
                "[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\nRateLimitIntervalSec=0\n")
    # A shut-down that waits for a hung service would eat a test's time-out.
    writer.file("etc/systemd/system.conf.d/lab.conf",
                "[Manager]\nDefaultTimeoutStopSec=20s\nLogTarget=journal\nShowStatus=no\n")
    writer.file("init", INIT, 0o755)
    writer.file("lab/init2", INIT2, 0o755)


def _key():
    here = os.path.abspath(__file__)
    digest = hashlib.sha256()
    for path in (here, os.path.join(os.path.dirname(here), "cpio.py")):
        with open(path, "rb") as handle:
            digest.update(handle.read())
    digest.update("\n".join(apt.sources(apt.host_suite())).encode())
    return digest.hexdigest()[:16]


def _libraries(suite):
    private = apt.PrivateApt(suite)
    private.update()
    found = []
    for pattern in LIBRARIES:
        names = [n for n in private.candidates(f"^{pattern}$") if re.fullmatch(pattern, n)]
        if not names:
            raise LabError(f"no package {pattern} in {suite}")
        # the newest ABI is the one that the -dev package links to
        found.append(max(names, key=lambda n: [int(d) for d in re.findall(r"\d+", n)]))
    return found


def _build(path):
    suite = apt.host_suite()
    need("mmdebstrap", "mmdebstrap")
    packages = PACKAGES + _libraries(suite)
    say(f"building the guest image ({suite}, {len(packages)} packages; once, some minutes)")
    log_path = os.path.join(cache_dir(), "image.log")
    argv = ["mmdebstrap", "--variant=minbase", "--format=tar", "--include=" + ",".join(packages),
            '--aptopt=Acquire::Languages "none"', '--aptopt=Acquire::Retries "3"',
            "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
            "--dpkgopt=path-exclude=/usr/share/doc/*", suite, "-", *apt.sources(suite)]
    with atomic_file(path) as temporary, open(log_path, "w", encoding="utf-8") as log:
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log,
                              stdin=subprocess.DEVNULL) as child:
            try:
                with open(temporary, "wb") as out:
                    cpio.from_tar(child.stdout, out, _leave_out, _additions)
                child.stdout.read()
            except Exception as error:
                child.kill()
                raise LabError(f"building the image failed ({error}); see {log_path}") from error
        if child.returncode != 0:
            raise LabError(f"mmdebstrap failed with status {child.returncode}; see {log_path}")


def image():
    """The path of the base image, built when this recipe has none in the cache."""
    path = os.path.join(cache_dir(), f"guest-{_key()}.cpio")
    with locked("image"):
        if not os.path.exists(path):
            _build(path)
    return path


def main_packages():
    print("\n".join(HOST_PACKAGES))
    return 0


def main_image():
    path = image()
    print(path)
    print(f"{os.path.getsize(path) >> 20} MiB", file=sys.stderr)
    return 0
